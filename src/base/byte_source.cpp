#include "base/byte_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/repeated.h"

namespace gpuinit::base {

namespace {

Error outside(const ByteSource& source, std::uint64_t offset, std::uint64_t length) {
  return Error{source.name() + " is cut short: it has " + std::to_string(source.size()) +
               " bytes, and " + std::to_string(length) + " are needed at offset " +
               std::to_string(offset)};
}

}  // namespace

Result<std::string> ByteSource::read_text(std::uint64_t offset, std::uint64_t length) const {
  if (length > kMaxText || !range_inside(offset, length, size()))
    return outside(*this, offset, length);
  std::string text(length, '\0');
  auto done = read_at(offset, std::as_writable_bytes(std::span(text)));
  if (!done) return std::move(done).error();
  return text;
}

Result<std::string> ByteSource::read_c_string(std::uint64_t offset, std::size_t limit) const {
  std::string text;
  while (text.size() < limit && offset < size()) {
    char piece[256];
    const std::size_t want =
        std::min<std::uint64_t>({sizeof piece, size() - offset, limit - text.size()});
    auto done = read_at(offset, std::as_writable_bytes(std::span(piece, want)));
    if (!done) return std::move(done).error();
    const auto* end = static_cast<const char*>(std::memchr(piece, '\0', want));
    if (end != nullptr) return text.append(piece, static_cast<std::size_t>(end - piece));
    text.append(piece, want);
    offset += want;
  }
  return Error{name() + ": a string has no end within " + std::to_string(limit) + " bytes"};
}

Result<FileSource> FileSource::from_fd(UniqueFd fd, std::string name) {
  struct stat status {};
  if (repeated([&] { return ::fstat(fd.get(), &status); }) != 0) return errno_error(name);
  if (!S_ISREG(status.st_mode)) return Error{name + ": not a regular file"};
  return FileSource(std::move(fd), static_cast<std::uint64_t>(status.st_size),
                    {status.st_dev, status.st_ino}, std::move(name));
}

Status FileSource::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  if (!range_inside(offset, into.size(), size_)) return outside(*this, offset, into.size());
  while (!into.empty()) {
    const ssize_t got = repeated(
        [&] { return ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset)); });
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(name_);
    if (got == 0) return Error{name_ + ": the file shrank while it was read"};
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return Done{};
}

// Overlay file systems and FUSE do not know RWF_NOWAIT (EOPNOTSUPP). There a mapping tells, which
// is never touched. Where nothing tells, everything counts as at hand.
bool FileSource::is_at_hand(std::uint64_t offset) const {
  char byte = 0;
  iovec into{&byte, 1};
  if (::preadv2(fd_.get(), &into, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0) return true;
  if (errno != EOPNOTSUPP) return errno != EAGAIN;
  constexpr std::uint64_t kPage = 64ULL * 1024;  // the largest that a kernel has
  void* const mapped = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd_.get(),
                              static_cast<off_t>(offset / kPage * kPage));
  if (mapped == MAP_FAILED) return true;
  const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  unsigned char resident = 1;
  const bool told = ::mincore(static_cast<char*>(mapped) + offset % kPage / page_size * page_size,
                              1, &resident) == 0;
  ::munmap(mapped, kPage);
  return !told || (resident & 1U) != 0;
}

void FileSource::will_need(std::uint64_t offset, std::uint64_t length) const {
  ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                  POSIX_FADV_WILLNEED);
}

void FileSource::expect_random_access() const {
  ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_RANDOM);
}

Status MemorySource::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  if (!range_inside(offset, into.size(), bytes_.size())) return outside(*this, offset, into.size());
  if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
  return Done{};
}

}  // namespace gpuinit::base
