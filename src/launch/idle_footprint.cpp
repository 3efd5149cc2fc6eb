#include "launch/idle_footprint.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

// The linker's name for the program's ELF header in memory.
extern "C" [[gnu::visibility("hidden")]] const Elf64_Ehdr __ehdr_start;

namespace gpuinit::launch {

namespace {

constexpr int kFirst = STDERR_FILENO + 1;

// Kernels before 5.9, and seccomp filters that do not know close_range.
void close_one_by_one(int keep) {
  if (DIR* open_files = ::opendir("/proc/self/fd")) {
    const int own = ::dirfd(open_files);
    while (const dirent* entry = ::readdir(open_files)) {
      const int fd = std::atoi(entry->d_name);
      if (fd >= kFirst && fd != own && fd != keep) ::close(fd);
    }
    ::closedir(open_files);
    return;
  }
  // Without /proc as well. Limits of 10^9 exist; nobody has that many files open.
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto end = std::min<rlim_t>(limit.rlim_cur, 1 << 16);
  for (int fd = kFirst; fd < static_cast<int>(end); ++fd)
    if (fd != keep) ::close(fd);
}

bool close_range(unsigned first, unsigned last) {
  return first > last || ::syscall(SYS_close_range, first, last, 0) == 0;
}

void close_the_rest(int keep) {
  if (keep < kFirst) {
    if (!close_range(kFirst, ~0U)) close_one_by_one(keep);
  } else if (!close_range(kFirst, static_cast<unsigned>(keep) - 1) ||
             !close_range(static_cast<unsigned>(keep) + 1, ~0U)) {
    close_one_by_one(keep);
  }
}

}  // namespace

void let_go_of_files(int keep) {
  [[maybe_unused]] const int done = ::chdir("/");
  close_the_rest(keep);
  for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; ++fd) {
    ::close(fd);
    if (::open("/dev/null", O_RDWR | O_CLOEXEC) < 0) [[maybe_unused]]
      const int any = ::open("/", O_PATH | O_CLOEXEC);
  }
}

void let_go_of_memory() {
  ::malloc_trim(0);
  // Pages of read-only segments are never changed, so dropping them loses nothing.
  const auto base = reinterpret_cast<std::uintptr_t>(&__ehdr_start);
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base + __ehdr_start.e_phoff);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t load_bias = __ehdr_start.e_type == ET_DYN ? base : 0;
  for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
    const Elf64_Phdr& segment = segments[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const auto begin = (load_bias + segment.p_vaddr) / page * page;
    const auto end = (load_bias + segment.p_vaddr + segment.p_filesz + page - 1) / page * page;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

}  // namespace gpuinit::launch
