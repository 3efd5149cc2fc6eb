// A file on a real disk, and which of its pages are in the page cache.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace gpuinit::test {

inline constexpr std::uint64_t kPage = 4096;

// Lives in the working directory of the test, which is in the build tree: /tmp may be a
// tmpfs, of which everything is always in memory.
class DiskFile {
 public:
  explicit DiskFile(std::uint64_t size, char filler = 'x') {
    path_ = (std::filesystem::current_path() / "warmup-test-XXXXXX").string();
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
    const std::string content(size, filler);
    if (::write(fd_, content.data(), size) != static_cast<ssize_t>(size)) std::abort();
    ::fsync(fd_);
  }
  ~DiskFile() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }
  std::uint64_t size() const { return std::filesystem::file_size(path_); }
  std::int64_t modified() const {
    struct stat status {};
    ::stat(path_.c_str(), &status);
    return status.st_mtime;
  }

  // False: this file system does not let go of it.
  bool drop_from_cache() const {
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
    return cached_pages(0, size()) == 0;
  }

  std::uint64_t cached_pages(std::uint64_t offset, std::uint64_t length) const {
    void* at = ::mmap(nullptr, size(), PROT_READ, MAP_SHARED, fd_, 0);
    std::vector<unsigned char> resident((size() + kPage - 1) / kPage);
    ::mincore(at, size(), resident.data());
    ::munmap(at, size());
    std::uint64_t count = 0;
    for (std::uint64_t page = offset / kPage; page * kPage < offset + length; ++page)
      count += resident[page] & 1;
    return count;
  }

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace gpuinit::test
