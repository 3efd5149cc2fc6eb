// gpuinit as the ENTRYPOINT of an image: what becomes of the words after the image's name.
#include <gmock/gmock.h>

#include "container/podman.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

class InAnImage : public InContainers<> {};

TEST_F(InAnImage, TheCommandNeedsNoDashes) {
  const Ran ran = run_container({"echo", "-n", "--check", "hello"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "--check hello");
}

TEST_F(InAnImage, DashesMayBeGiven) {
  EXPECT_EQ(run_container({"--", "echo", "hello"}).out, "hello\n");
}

TEST_F(InAnImage, TheExitCodeComesThrough) {
  for (const int code : {0, 3, 255})
    EXPECT_EQ(run_container(shell("exit " + std::to_string(code))).exit_code, code);
  const Ran killed = run_container(shell("kill -TERM $$"));
  EXPECT_EQ(killed.exit_code, 143);
  EXPECT_THAT(killed.err, HasSubstr("the command was ended by SIGTERM"));
}

TEST_F(InAnImage, ACommandThatIsNotThere) {
  const Ran ran = run_container({"nosuch"});
  EXPECT_EQ(ran.exit_code, 127);
  EXPECT_THAT(ran.err, HasSubstr("`nosuch` is not on PATH"));
}

TEST_F(InAnImage, ACommandThatCannotBeExecuted) {
  const Ran ran = run_container({"/etc/passwd"});
  EXPECT_EQ(ran.exit_code, 126);
  EXPECT_THAT(ran.err, HasSubstr("/etc/passwd is not executable"));
}

TEST_F(InAnImage, ChecksWithoutImportingWhatThePythonThenImports) {
  const Ran ran = run_container(python("import torch; print(torch.__version__)"));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  ASSERT_GT(ran.out.size(), 1U);
  EXPECT_THAT(ran.err, HasSubstr("gpuinit: ok: python 3."));
  EXPECT_THAT(ran.err, HasSubstr("torch " + ran.out.substr(0, ran.out.size() - 1)));
}

TEST_F(InAnImage, APipelineOfAShell) {
  const Ran ran =
      run_container(shell("seq 5 | (while read n; do echo $((n * n)); done) | tail -1"));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "25\n");
}

TEST_F(InAnImage, SupervisesByTheImagesPolicy) {
  const Ran ran = run_container(shell("tr '\\0' ' ' < /proc/1/cmdline; test $$ != 1"));
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.out, testing::StartsWith("/usr/bin/gpuinit sh -c"));
}

TEST_F(InAnImage, InExecModeTheCommandIsPidOne) {
  EXPECT_EQ(run_container(shell("echo $$"), {"-e", "GPUINIT_SET=launch.mode=exec"}).out, "1\n");
}

TEST_F(InAnImage, TheEntrypointMayHaveOptionsOfItsOwn) {
  const Ran ran = run_container(
      shell("echo $$"), {"--entrypoint", R"(["gpuinit", "--set", "launch.mode=exec", "--"])"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "1\n");
}

TEST_F(InAnImage, AFailedCheckStartsNothing) {
  const Ran ran =
      run_container({"python3", "-c", "print('ran')"}, {"-e", "GPUINIT_SET=gpu.required=yes"});
  EXPECT_EQ(ran.exit_code, 65);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("FAIL torch.cuda-build"));
}

}  // namespace
}  // namespace gpuinit::test
