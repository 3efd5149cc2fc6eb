#include "base/open_regular.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/tree.h"

namespace gpuinit::base {
namespace {

// Counts what is really opened in a directory; O_PATH opens nothing.
class Opens {
 public:
  explicit Opens(const std::string& directory) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    ::inotify_add_watch(fd_.get(), directory.c_str(), IN_OPEN);
  }
  bool any() const {
    char events[4096];
    return ::read(fd_.get(), events, sizeof events) > 0;
  }

 private:
  UniqueFd fd_;
};

TEST(OpenRegular, OpensNothingElseEvenToLook) {
  test::Tree tree;
  tree.file("file", "content").link("link", "file").directory("directory");
  ASSERT_EQ(::mkfifo(tree.at("fifo").c_str(), 0644), 0);
  tree.link("device", "/dev/zero").link("loop", "loop").link("nowhere", "none");
  const Opens opens(tree.root());
  for (const char* name : {"fifo", "device", "directory", "loop", "nowhere"})
    EXPECT_FALSE(open_regular(tree.at(name).c_str()).valid()) << name;
  EXPECT_FALSE(opens.any());
  EXPECT_TRUE(open_regular(tree.at("link").c_str()).valid());
  EXPECT_TRUE(opens.any());
}

TEST(OpenRegular, FilesOfTheKernelAreNotOfTheImage) {
  for (const char* path :
       {"/proc/self/status", "/proc/kmsg", "/sys/kernel/mm/transparent_hugepage/enabled"})
    EXPECT_FALSE(open_regular(path).valid()) << path;
}

}  // namespace
}  // namespace gpuinit::base
