#include "launch/idle_footprint.h"

#include <elf.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "base/descriptors.h"

// The linker's name for the program's ELF header in memory.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::visibility("hidden")]] const Elf64_Ehdr __ehdr_start;

namespace gpuinit::launch {

void release_files(int keep) {
  [[maybe_unused]] const int done = ::chdir("/");
  base::close_descriptors(STDERR_FILENO + 1, keep);
  for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; ++fd) ::close(fd);
  base::occupy_standard_descriptors(O_RDWR | O_CLOEXEC);
}

namespace {

// Into a mapping of its own: a fault in a mapped file brings up to 64 KiB around it, but nothing
// from beyond the mapping. Any advice that its neighbours do not have makes one of it.
template <class Function>
void set_apart(Function* function, std::uintptr_t page) {
  constexpr std::uintptr_t kLongest = 1024;
  const auto begin = reinterpret_cast<std::uintptr_t>(function) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(function) + kLongest + page - 1) / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTDUMP);
}

}  // namespace

[[gnu::noinline]] int take_signal_released(SignalSet set, siginfo_t& info,
                                           const timespec* timeout) {
  ::malloc_trim(0);
  // Pages of read-only segments are never changed, so dropping them loses nothing.
  const auto base = reinterpret_cast<std::uintptr_t>(&__ehdr_start);
  // By its address: the program headers lie outside of the object __ehdr_start.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base + __ehdr_start.e_phoff);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // What runs between giving back and sleeping.
  set_apart(take_signal_released, page);
  set_apart(take_signal, page);
  set_apart(::madvise, page);
  set_apart(::syscall, page);
  const std::uintptr_t load_bias = __ehdr_start.e_type == ET_DYN ? base : 0;
  for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
    const Elf64_Phdr& segment = segments[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const auto begin = (load_bias + segment.p_vaddr) / page * page;
    const auto end = (load_bias + segment.p_vaddr + segment.p_filesz + page - 1) / page * page;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): without a load bias it is an absolute address
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return take_signal(set, info, timeout);
}

}  // namespace gpuinit::launch
