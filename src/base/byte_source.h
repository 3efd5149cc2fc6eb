// Bytes at offsets: an open file read with pread, or memory. Parsers see only this.
//
// pread and not mmap: a file that shrinks under a mapping kills the process with
// SIGBUS, and PID 1 must not die of that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "base/unique_fd.h"
#include "gpuinit/result.h"

namespace gpuinit::base {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Size in bytes when the source was opened.
  virtual std::uint64_t size() const = 0;

  // Fills all of `into` from `offset`; an error (never a short read) if the
  // range does not lie inside the source.
  virtual Status read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;

  // For error messages.
  virtual const std::string& name() const = 0;

  // False: reading there would wait for a disk.
  virtual bool is_at_hand(std::uint64_t offset) const { return (void)offset, true; }

  // Asks for bytes that will be read soon, and does not wait for them.
  virtual void will_need(std::uint64_t offset, std::uint64_t length) const {
    (void)offset, (void)length;
  }

  // A trivially copyable struct as it lies in the source.
  template <class T>
  Result<T> read_struct(std::uint64_t offset) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    auto done = read_at(offset, std::as_writable_bytes(std::span(&value, 1)));
    if (!done) return std::move(done).error();
    return value;
  }

  // `length` bytes as text, at most `kMaxText`.
  Result<std::string> read_text(std::uint64_t offset, std::uint64_t length) const;

  // The NUL-terminated string at `offset`, of at most `limit` bytes.
  Result<std::string> read_c_string(std::uint64_t offset, std::size_t limit = 4096) const;

  static constexpr std::uint64_t kMaxText = 16ULL * 1024 * 1024;
};

// Reads an open regular file. Every read_at is one pread: parsers ask for what
// they need in one piece.
class FileSource final : public ByteSource {
 public:
  // Takes a descriptor that is open for reading on a regular file.
  static Result<FileSource> from_fd(UniqueFd fd, std::string name);

  std::uint64_t size() const override { return size_; }
  Status read_at(std::uint64_t offset, std::span<std::byte> into) const override;
  const std::string& name() const override { return name_; }
  bool is_at_hand(std::uint64_t offset) const override;
  void will_need(std::uint64_t offset, std::uint64_t length) const override;

  // Tells the kernel that reads will jump about: without it a cold walk through
  // a 1 GB library drags in 170 MB of readahead.
  void expect_random_access() const;

  int fd() const { return fd_.get(); }

 private:
  FileSource(UniqueFd fd, std::uint64_t size, std::string name)
      : fd_(std::move(fd)), size_(size), name_(std::move(name)) {}

  UniqueFd fd_;
  std::uint64_t size_ = 0;
  std::string name_;
};

class MemorySource final : public ByteSource {
 public:
  // Does not own `bytes`.
  MemorySource(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)) {}

  std::uint64_t size() const override { return bytes_.size(); }
  Status read_at(std::uint64_t offset, std::span<std::byte> into) const override;
  const std::string& name() const override { return name_; }

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
};

}  // namespace gpuinit::base
