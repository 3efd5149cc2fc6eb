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
#include <vector>

#include "base/unique_fd.h"

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

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  std::string path;
};

// One line of /proc/PID/maps; an empty path if no file is mapped there.
Mapping parse_mapping(const char* line) {
  Mapping mapping;
  unsigned long long begin = 0;
  unsigned long long end = 0;
  unsigned long long offset = 0;
  int path_at = 0;
  if (std::sscanf(line, "%llx-%llx %*s %llx %*s %*u %n", &begin, &end, &offset, &path_at) != 3 ||
      path_at == 0)
    return mapping;
  mapping.begin = begin;
  mapping.end = end;
  mapping.offset = offset;
  mapping.path = line + path_at;
  while (mapping.path.ends_with('\n')) mapping.path.pop_back();
  return mapping;
}

std::vector<Mapping> mappings_of(pid_t pid) {
  std::vector<Mapping> mappings;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(
      std::fopen(proc(pid, "maps").c_str(), "re"), std::fclose);
  if (!maps) return mappings;
  char* line = nullptr;
  std::size_t room = 0;
  while (::getline(&line, &room, maps.get()) > 0) {
    Mapping mapping = parse_mapping(line);
    if (!is_kernels(mapping.path)) mappings.push_back(std::move(mapping));
  }
  std::free(line);
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
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> info(
      std::fopen(proc(pid, ("fdinfo/" + std::to_string(fd)).c_str()).c_str(), "re"), std::fclose);
  unsigned long long position = 0;
  unsigned flags = O_WRONLY;
  if (!info || std::fscanf(info.get(), "pos: %llu flags: %o", &position, &flags) != 2) return;
  if ((flags & O_ACCMODE) == O_WRONLY) return;
  FilePart* part = open_file(pid, fd);
  if (part == nullptr) return;
  if (part->size <= kSmall) part->ranges = {{0, part->size}};
  // Of a large file its beginning, as far as it was read from there.
  else part->ranges.push_back({0, std::max<std::uint64_t>(position, page_size())});
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
