#include "warmup/touched_pages.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/root_fs.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace gpuinit::warmup {

namespace {

// A file of at most this size is wanted whole: it is read with read(2), in one piece.
constexpr std::uint64_t kSmall = 512ULL * 1024;

// Of /proc/PID/maps; a process has at most 65,530 mappings by default (vm.max_map_count).
constexpr std::uint64_t kMaxMaps = 64ULL * 1024 * 1024;

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

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  std::string path;
};

// One line of /proc/PID/maps: begin-end permissions offset device inode path. An empty path
// if no file is mapped there.
Mapping parse_mapping(std::string_view line) {
  const auto fields = base::split(line, ' ');
  const auto path = line.find('/');
  if (fields.size() < 6 || path == std::string_view::npos) return {};
  const auto ends = base::split(fields[0], '-');
  const auto begin = base::parse_number(ends.front(), 16);
  const auto end = base::parse_number(ends.back(), 16);
  const auto offset = base::parse_number(fields[2], 16);
  if (!begin || !end || !offset) return {};
  return {*begin, *end, *offset, std::string(line.substr(path))};
}

std::vector<Mapping> mappings_of(pid_t pid) {
  std::vector<Mapping> mappings;
  const auto maps = base::read_own_file(proc(pid, "maps"), kMaxMaps);
  if (!maps) return mappings;
  for (const auto line : base::split_lines(*maps)) {
    Mapping mapping = parse_mapping(line);
    if (!is_kernels(mapping.path)) mappings.push_back(std::move(mapping));
  }
  return mappings;
}

// Adds the touched part of [begin, end).
void add_touched(int pagemap, const Mapping& mapping, std::uint64_t begin, std::uint64_t end,
                 std::vector<Range>& ranges) {
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
      const std::uint64_t offset = mapping.offset + (at + i * page - mapping.begin);
      if (!ranges.empty() && ranges.back().offset + ranges.back().length == offset)
        ranges.back().length += page;
      else ranges.push_back({offset, page});
    }
    at += count * page;
  }
}

}  // namespace

FilePart* TouchedPages::file(const std::string& path) {
  const auto known = index_.find(path);
  if (known != index_.end()) return &parts_[known->second];
  struct stat status {};
  if (is_kernels(path) || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    return nullptr;
  index_.emplace(path, parts_.size());
  parts_.push_back({path, static_cast<std::uint64_t>(status.st_size), status.st_mtime, {}});
  return &parts_.back();
}

void TouchedPages::add_mappings(pid_t pid, std::uint64_t from, std::uint64_t to) {
  const base::UniqueFd pagemap(::open(proc(pid, "pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return;
  for (const Mapping& mapping : mappings_of(pid)) {
    const std::uint64_t begin = std::max(mapping.begin, from);
    const std::uint64_t end = std::min(mapping.end, to);
    if (begin >= end) continue;
    FilePart* part = file(mapping.path);
    if (part == nullptr) continue;
    add_touched(pagemap.get(), mapping, begin, end, part->ranges);
  }
}

FilePart* TouchedPages::open_file(pid_t pid, int fd) {
  char path[PATH_MAX + 1];
  const ssize_t length =
      ::readlink(proc(pid, ("fd/" + std::to_string(fd)).c_str()).c_str(), path, sizeof path - 1);
  if (length <= 0) return nullptr;
  return file(std::string(path, static_cast<std::size_t>(length)));
}

void TouchedPages::add_read(pid_t pid, int fd, std::uint64_t offset, std::uint64_t length) {
  if (FilePart* part = open_file(pid, fd)) part->ranges.push_back({offset, length});
}

void TouchedPages::add_open_file(pid_t pid, int fd) {
  const auto info = base::read_own_file(proc(pid, ("fdinfo/" + std::to_string(fd)).c_str()));
  if (!info) return;
  const auto words = base::split_words(*info);  // pos: DECIMAL flags: OCTAL …
  if (words.size() < 4) return;
  const auto position = base::parse_number(words[1]);
  const auto flags = base::parse_number(words[3], 8);
  if (!position || !flags || (*flags & O_ACCMODE) == O_WRONLY) return;
  FilePart* part = open_file(pid, fd);
  if (part == nullptr) return;
  if (part->size <= kSmall) part->ranges = {{0, part->size}};
  // Of a large file its beginning, as far as it was read from there.
  else part->ranges.push_back({0, std::max(*position, page_size())});
}

void TouchedPages::add_open_files(pid_t pid) {
  DIR* files = ::opendir(proc(pid, "fd").c_str());
  if (files == nullptr) return;
  while (const dirent* entry = ::readdir(files))
    if (entry->d_name[0] != '.') add_open_file(pid, std::atoi(entry->d_name));
  ::closedir(files);
}

PagePlan TouchedPages::plan() const {
  PagePlan plan = parts_;
  for (FilePart& part : plan) tidy(part.ranges, part.size);
  std::erase_if(plan, [](const FilePart& part) { return part.ranges.empty(); });
  return plan;
}

}  // namespace gpuinit::warmup
