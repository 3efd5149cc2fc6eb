#include "warmup/plan_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

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
    int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
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
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
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
      const ssize_t result = ::pread(fd, scratch, wanted, static_cast<off_t>(range.offset + done));
      const std::uint64_t got = result > 0 ? static_cast<std::uint64_t>(result) : 0;
      counts_.bytes.fetch_sub(wanted - got);
      if (got == 0) return true;
      done += got;
    }
    return true;
  }

  static void look_up(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (!directory) return;
    while (::readdir(directory.get()) != nullptr) {
    }
  }

  const PagePlan& plan_;
  std::uint64_t max_bytes_;
  ReadCounts& counts_;
  std::vector<OpenFile> open_;
  std::atomic<std::size_t> next_{0};
};

void* work(void* reader) {
  static_cast<PlanReader*>(reader)->work();
  return nullptr;
}

}  // namespace

void read_plan(const PagePlan& plan, std::uint64_t max_bytes, int in_flight, ReadCounts& counts) {
  PlanReader reader(plan, max_bytes, counts);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  pthread_t threads[kMostInFlight];
  int count = 0;
  // This thread is one of them.
  while (count + 1 < std::min(in_flight, kMostInFlight) &&
         ::pthread_create(&threads[count], &attributes, work, &reader) == 0)
    ++count;
  reader.work();
  for (int i = 0; i < count; ++i) ::pthread_join(threads[i], nullptr);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace gpuinit::warmup
