// A kernel without the calls that came after Linux 4.18: the same verdict, and the command runs.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "probe/syscall_filter.h"
#include "program/gpuinit_program.h"
#include "support/in_another_process.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

// pidfd_send_signal (5.1) is 424, and every later call has the same number on all machines.
std::string without_new_calls(const std::function<std::string()>& test) {
  return in_another_process([&]() -> std::string {
    std::vector<Refusal> newer;
    for (long call = 424; call < 480; ++call) newer.push_back({call, ENOSYS});
    if (!refuse(newer)) return "no seccomp here";
    if (::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0) != -1 || errno != ENOSYS)
      return "openat2 is there";
    return test();
  });
}

// What a report says, without the time that it took.
std::string report(const std::vector<std::string>& arguments) {
  const Ran ran = gpuinit(arguments);
  std::string text = std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
  for (std::size_t at = 0; (at = text.find(" ms", at)) != std::string::npos; ++at) {
    const std::size_t begin = text.find_last_not_of("0123456789.", at - 1) + 1;
    text.erase(begin, at - begin);
    at = begin;
  }
  return text;
}

TEST(OldKernel, GivesTheSameVerdict) {
  Tree tree;
  tree.file("node.json", kH100Node);
  const std::vector<std::string> check{
      "--check", "--root", "/", "--node", tree.at("node.json"), "--", "/usr/bin/python3", "-V"};
  const std::string today = report(check);
  EXPECT_THAT(today, HasSubstr("python 3."));
  EXPECT_EQ(without_new_calls([&] { return report(check); }), today);
}

TEST(OldKernel, RunsTheCommandInBothModes) {
  const std::string said = without_new_calls([]() -> std::string {
    std::string all;
    for (const char* mode : {"exec", "supervise"}) {
      const Ran ran = gpuinit({"--set", std::string("launch.mode=") + mode, "sh", "-c",
                               "sleep 0 & wait; echo ran; exit 7"});
      all += std::to_string(ran.exit_code) + ran.out;
    }
    return all;
  });
  EXPECT_EQ(said, "7ran\n7ran\n");
}

}  // namespace
}  // namespace gpuinit::test
