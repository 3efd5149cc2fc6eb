#include "warmup/touched_pages.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/root_fs.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "warmup/process_maps.h"

namespace gpuinit::warmup {

namespace {

// A file of at most this size is wanted whole: it is read with read(2), in one piece.
constexpr std::uint64_t kSmall = 512ULL * 1024;

// Entries of /proc/PID/pagemap (pagemap.rst).
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwapped = std::uint64_t{1} << 62;

std::uint64_t page_size() {
  const long size = ::sysconf(_SC_PAGESIZE);
  return size > 0 ? static_cast<std::uint64_t>(size) : 4096;
}

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

bool is_kernels(const std::string& path) {
  for (const char* prefix : {"/proc/", "/sys/", "/dev/"})
    if (path.starts_with(prefix)) return true;
  return !path.starts_with('/');
}

// "/a/b.py" of "/a/__pycache__/b.cpython-312.pyc"; empty if it is nothing of the kind.
std::string source_of(const std::string& compiled) {
  constexpr std::string_view kDirectory = "/__pycache__/";
  const auto directory = compiled.rfind(kDirectory);
  if (directory == compiled.npos || !compiled.ends_with(".pyc")) return {};
  const std::string name = compiled.substr(directory + kDirectory.size());
  return compiled.substr(0, directory + 1) + name.substr(0, name.find('.')) + ".py";
}

// Adds the touched part of [begin, end).
void add_touched(int pagemap, const Mapping& mapping, std::uint64_t begin, std::uint64_t end,
                 const WithheldCode* code, std::vector<Range>& ranges) {
  const std::uint64_t page = page_size();
  std::vector<std::uint64_t> entries(4096);
  std::uint64_t at = begin;
  while (at < end) {
    const std::size_t wanted = std::min<std::uint64_t>(entries.size(), (end - at) / page);
    const ssize_t got = ::pread(pagemap, entries.data(), wanted * sizeof entries[0],
                                static_cast<off_t>(at / page * sizeof entries[0]));
    if (got < static_cast<ssize_t>(sizeof entries[0])) return;
    const std::size_t count = static_cast<std::size_t>(got) / sizeof entries[0];
    for (std::size_t i = 0; i < count; ++i) {
      if ((entries[i] & (kPresent | kSwapped)) == 0) continue;
      if (code != nullptr && code->ran_near(at + i * page)) continue;
      const std::uint64_t offset = mapping.offset + (at + i * page - mapping.begin);
      if (!ranges.empty() && ranges.back().offset + ranges.back().length == offset)
        ranges.back().length += page;
      else ranges.push_back({offset, page});
    }
    at += count * page;
  }
}

}  // namespace

TouchedPages::Index TouchedPages::file(const std::string& path, bool only_name) {
  const auto seen = index_.find(path);
  if (seen != index_.end()) return seen->second;
  struct stat status {};
  if (is_kernels(path) || ::stat(path.c_str(), &status) != 0) return std::nullopt;
  const bool is_file = S_ISREG(status.st_mode) && !only_name;
  if (!is_file && !only_name && !S_ISDIR(status.st_mode)) return std::nullopt;
  const auto index = static_cast<std::uint32_t>(touched_.files.size());
  index_.emplace(path, index);
  if (is_file)
    touched_.files.push_back({path, static_cast<std::uint64_t>(status.st_size), status.st_mtime});
  else {
    touched_.files.push_back({path, 0, 0, PlannedFile::Kind::kName});
    touched_.pieces.push_back({index, {}});
  }
  mapped_.emplace_back();
  is_mapped_.push_back(false);
  return index;
}

void TouchedPages::mapped(const std::string& path) {
  const Index index = file(path);
  if (!index || is_mapped_[*index]) return;
  is_mapped_[*index] = true;
  touched_.pieces.push_back({*index, {}});
}

void TouchedPages::touched(const std::string& path, Range range) {
  if (const Index index = file(path)) touched_.pieces.push_back({*index, range});
}

void TouchedPages::add_mappings(pid_t pid, std::uint64_t from, std::uint64_t to,
                                const WithheldCode* withheld) {
  const base::UniqueFd pagemap(::open(proc(pid, "pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return;
  for (const Mapping& mapping : mappings_of(pid)) {
    if (is_kernels(mapping.path)) continue;
    const std::uint64_t begin = std::max(mapping.begin, from);
    const std::uint64_t end = std::min(mapping.end, to);
    const WithheldCode* code =
        withheld != nullptr && withheld->contains(mapping.begin) ? withheld : nullptr;
    if (begin >= end || (code != nullptr && mapping.executable)) continue;
    mapped(mapping.path);
    if (const Index index = file(mapping.path))
      add_touched(pagemap.get(), mapping, begin, end, code, mapped_[*index]);
  }
}

TouchedPages::Index TouchedPages::open_file(pid_t pid, int fd) {
  char path[PATH_MAX + 1];
  const ssize_t length =
      ::readlink(proc(pid, ("fd/" + std::to_string(fd)).c_str()).c_str(), path, sizeof path - 1);
  if (length <= 0) return std::nullopt;
  return file(std::string(path, static_cast<std::size_t>(length)));
}

void TouchedPages::add_read(pid_t pid, int fd, std::uint64_t offset, std::uint64_t length) {
  if (const Index index = open_file(pid, fd)) touched_.pieces.push_back({*index, {offset, length}});
}

void TouchedPages::add_open_file(pid_t pid, int fd) {
  const auto info = base::read_own_file(proc(pid, ("fdinfo/" + std::to_string(fd)).c_str()));
  if (!info) return;
  const auto words = base::split_words(*info);  // pos: DECIMAL flags: OCTAL …
  if (words.size() < 4) return;
  const auto position = base::parse_number(words[1]);
  const auto flags = base::parse_number(words[3], 8);
  if (!position || !flags || (*flags & O_ACCMODE) == O_WRONLY) return;
  const Index index = open_file(pid, fd);
  if (!index) return;
  const PlannedFile& opened = touched_.files[*index];
  // Of a large file its beginning, as far as it was read from there.
  const std::uint64_t length =
      opened.size <= kSmall ? opened.size : std::max<std::uint64_t>(*position, page_size());
  if (opened.kind == PlannedFile::Kind::kName) return;
  touched_.pieces.push_back({*index, {0, length}});
  const std::string source = source_of(opened.path);
  if (!source.empty()) file(source, /*only_name=*/true);
}

void TouchedPages::add_open_files(pid_t pid) {
  DIR* files = ::opendir(proc(pid, "fd").c_str());
  if (files == nullptr) return;
  while (const dirent* entry = ::readdir(files))
    if (entry->d_name[0] != '.') add_open_file(pid, std::atoi(entry->d_name));
  ::closedir(files);
}

PagePlan TouchedPages::plan() const {
  PagePlan plan{touched_.files, {}};
  for (const Piece& piece : touched_.pieces) {
    if (piece.range.length > 0 || plan.files[piece.file].kind != PlannedFile::Kind::kParts)
      plan.pieces.push_back(piece);
    else
      for (const Range& range : mapped_[piece.file]) plan.pieces.push_back({piece.file, range});
  }
  return in_order_of_need(plan);
}

}  // namespace gpuinit::warmup
