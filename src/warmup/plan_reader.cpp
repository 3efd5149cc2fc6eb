#include "warmup/plan_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/open_regular.h"

namespace gpuinit::warmup {

namespace {

constexpr int kMostInFlight = 64;
constexpr std::size_t kStack = 64ULL * 1024 + kRequest;

constexpr int kNotOpened = -1;
constexpr int kStale = -2;

struct OpenFile {
  std::atomic<int> fd{kNotOpened};
  std::atomic<std::uint32_t> pieces_left{0};  // the last one closes it
};

class PlanReader {
 public:
  PlanReader(const PagePlan& plan, std::uint64_t max_bytes, ReadCounts& counts)
      : plan_(plan), max_bytes_(max_bytes), counts_(counts), open_(plan.files.size()) {
    for (const Piece& piece : plan.pieces) ++open_[piece.file].pieces_left;
  }

  // One thread: takes the next piece, until all are taken or the budget is used up.
  void work() {
    for (;;) {
      const std::size_t index = next_.fetch_add(1);
      if (index >= plan_.pieces.size() || !read(plan_.pieces[index])) return;
    }
  }

 private:
  bool read(const Piece& piece) {
    const PlannedFile& file = plan_.files[piece.file];
    if (file.kind == PlannedFile::Kind::kName) {
      look_up(file.path);
      return true;
    }
    OpenFile& open = open_[piece.file];
    const int fd = opened(file, open);
    const bool within_budget =
        fd < 0 || (file.kind == PlannedFile::Kind::kWhole ? read(fd, {0, ~std::uint64_t{0}})
                                                          : read(fd, piece.range));
    if (--open.pieces_left == 0 && fd >= 0) ::close(fd);
    return within_budget;
  }

  // Its descriptor, or kStale. Two threads may open it at once: one of them wins.
  int opened(const PlannedFile& file, OpenFile& open) {
    const int before = open.fd;
    if (before != kNotOpened) return before;
    int fd = base::open_regular(file.path.c_str()).release();
    if (fd >= 0 && is_same(fd, file)) {
      // We know what is needed: nothing is to be read beyond it.
      ::posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    } else {
      if (fd >= 0) ::close(fd);
      fd = kStale;
    }
    int expected = kNotOpened;
    if (open.fd.compare_exchange_strong(expected, fd)) {
      ++(fd >= 0 ? counts_.files : counts_.stale);
      return fd;
    }
    if (fd >= 0) ::close(fd);
    return expected;
  }

  static bool is_same(int fd, const PlannedFile& file) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return false;
    return file.kind == PlannedFile::Kind::kWhole ||
           (static_cast<std::uint64_t>(status.st_size) == file.size &&
            status.st_mtime == file.modified);
  }

  // readahead(2) would do without the copy, but it does not wait, and what it asks for is
  // silently cut to the larger of the device's read_ahead_kb and its request size.
  bool read(int fd, const Range& range) {
    char scratch[kRequest];
    for (std::uint64_t done = 0; done < range.length;) {
      const std::uint64_t wanted = std::min<std::uint64_t>(sizeof scratch, range.length - done);
      if (counts_.bytes.fetch_add(wanted) + wanted > max_bytes_) {
        counts_.bytes.fetch_sub(wanted);
        return false;
      }
      if (is_at_hand(fd, range.offset + done, wanted)) {
        done += wanted;
        continue;
      }
      const ssize_t result = ::pread(fd, scratch, wanted, static_cast<off_t>(range.offset + done));
      const std::uint64_t got = result > 0 ? static_cast<std::uint64_t>(result) : 0;
      counts_.bytes.fetch_sub(wanted - got);
      counts_.fetched += got;
      if (got == 0) return true;
      done += got;
    }
    return true;
  }

  // A warm start copies nothing. The first and the last page speak for those between them; an end
  // of file and a file system that does not tell count as not at hand.
  static bool is_at_hand(int fd, std::uint64_t offset, std::uint64_t length) {
    char byte = 0;
    const iovec into{&byte, 1};
    for (const std::uint64_t at : {offset, offset + length - 1})
      if (::preadv2(fd, &into, 1, static_cast<off_t>(at), RWF_NOWAIT) != 1) return false;
    return true;
  }

  // The names of a directory too: they are what the next look-ups need. No opendir(3): see
  // read_plan().
  static void look_up(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    char names[32 * 1024];
    while (::getdents64(fd, names, sizeof names) > 0) {
    }
    ::close(fd);
  }

  const PagePlan& plan_;
  std::uint64_t max_bytes_;
  ReadCounts& counts_;
  std::vector<OpenFile> open_;
  std::atomic<std::size_t> next_{0};
};

// What the threads have in common.
struct Crew {
  PlanReader reader;
  std::atomic<std::uint32_t> at_work{0};
};
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

int work(void* argument) {
  auto& crew = *static_cast<Crew*>(argument);
  crew.reader.work();
  if (--crew.at_work == 0) ::syscall(SYS_futex, &crew.at_work, FUTEX_WAKE_PRIVATE, 1);
  return 0;
}

}  // namespace

// Threads without pthread_create(3), which brings 140 KB into a static program (unwinding, locales,
// the resolver). The C library does not know of them, so they do nothing but system calls: no
// memory is allocated, and errno is not looked at.
void read_plan(const PagePlan& plan, std::uint64_t max_bytes, int in_flight, ReadCounts& counts) {
  Crew crew{.reader{plan, max_bytes, counts}};
  const auto more = static_cast<std::size_t>(std::clamp(in_flight, 1, kMostInFlight) - 1);
  void* const stacks = ::mmap(nullptr, more * kStack + 1, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  constexpr int kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  for (std::size_t i = 1; stacks != MAP_FAILED && i <= more; ++i) {
    ++crew.at_work;
    if (::clone(work, static_cast<char*>(stacks) + i * kStack, kThread, &crew) >= 0) continue;
    --crew.at_work;
    break;
  }
  crew.reader.work();
  while (const std::uint32_t left = crew.at_work)
    ::syscall(SYS_futex, &crew.at_work, FUTEX_WAIT_PRIVATE, left, nullptr);
}

}  // namespace gpuinit::warmup
