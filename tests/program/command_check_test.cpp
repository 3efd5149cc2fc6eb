// The command, judged: one that cannot be started, one that needs no GPU, and one behind wrappers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

class CommandCheck : public testing::Test {
 protected:
  // torch is for another Python: 65 for whatever imports it.
  CommandCheck() {
    image_.torch_tag = "cpython-310";
    image_.write_to(tree_);
    node_.file("node.json", kH100Node);
    const std::string elf = ElfBuilder().needs("libc.so.6").build();
    for (const char* name :
         {"bash",    "sh",      "ls",      "nvidia-smi", "tini",   "dumb-init", "catatonit",
          "gosu",    "setpriv", "runuser", "env",        "nice",   "ionice",    "chrt",
          "taskset", "numactl", "timeout", "stdbuf",     "nohup",  "setsid",    "unshare",
          "time",    "prlimit", "setarch", "linux64",    "strace", "ltrace",    "gdb",
          "nsys",    "ncu",     "mpirun",  "srun",       "gpuinit"})
      tree_.executable(std::string("usr/bin/") + name, elf);
    tree_.executable("usr/bin/xvfb-run", "#!/bin/sh\nexit 1\n");
    tree_.file("usr/libexec/coreutils/libstdbuf.so", ElfBuilder().soname("libstdbuf.so").build());
    tree_.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
    tree_.file("train.py", "import torch\n").link("bin", "usr/bin");
    for (const char* name : {"pip", "torchrun"})
      tree_.executable(std::string("usr/local/bin/") + name,
                       "#!/usr/local/bin/python3\nimport sys\nfrom pip import main\n"
                       "sys.exit(main())\n");
  }

  Ran check(const Words& command) const {
    Words arguments{
        "--check", "--format", "json", "--root", tree_.root(), "--node", node_.at("node.json"),
        "--"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return gpuinit(arguments);
  }

  // "exit 65: fail python.abi, …"
  static std::string verdict(const Ran& ran) {
    std::string text = "exit " + std::to_string(ran.exit_code) + ":";
    const auto report = base::parse_json(ran.out);
    if (!report) return text + " " + ran.out + ran.err;
    for (const auto& finding : *report->find("findings")->as_array())
      if (const auto& severity = *finding.find("severity")->as_string();
          severity == "fail" || severity == "warn")
        text += " " + severity + " " + *finding.find("id")->as_string();
    return text;
  }

  Tree tree_;
  Tree node_;
  PyTorchImage image_;
};

TEST_F(CommandCheck, ACommandThatIsNotThereIsSaidAsALaunchSaysIt) {
  EXPECT_EQ(gpuinit({"--check", "--", "nosuch"}).exit_code, 127);
  EXPECT_EQ(gpuinit({"--check", "--", "/nosuch"}).exit_code, 127);
  tree_.file("not-executable", "#!/bin/sh\n");
  EXPECT_EQ(gpuinit({"--check", "--", tree_.at("not-executable")}).exit_code, 126);
  EXPECT_EQ(gpuinit({"--check", "--", tree_.root()}).exit_code, 126);

  EXPECT_EQ(check({"nosuch"}).exit_code, 127);
  EXPECT_EQ(check({"/nosuch"}).exit_code, 127);
  EXPECT_EQ(check({"/not-executable"}).exit_code, 126);
  EXPECT_EQ(check({"/usr"}).exit_code, 126);
  EXPECT_THAT(check({"nosuch"}).err, HasSubstr("nosuch"));
}

// As with tini, dumb-init and execvp(3): /bin/sh runs it.
TEST_F(CommandCheck, AScriptWithoutAShebangIsFollowedAsTheShellRunsIt) {
  tree_.executable("no-shebang", "exec python3 train.py\n");
  EXPECT_EQ(verdict(check({"/no-shebang"})), verdict(check({"/bin/sh", "/no-shebang"})));
  EXPECT_THAT(verdict(check({"/no-shebang"})), HasSubstr("fail python.abi"));
}

TEST_F(CommandCheck, NoVerdictIsChangedByAWrapperInFront) {
  const Words command{"python3", "train.py"};
  const std::string direct = verdict(check(command));
  EXPECT_THAT(direct, HasSubstr("exit 65: fail python.abi"));
  const std::vector<Words> wrappers = {{"tini", "--"},
                                       {"tini", "-g", "-s", "--"},
                                       {"dumb-init", "--"},
                                       {"catatonit", "--"},
                                       {"gosu", "nobody"},
                                       {"setpriv", "--reuid=nobody", "--clear-groups"},
                                       {"runuser", "-u", "nobody", "--"},
                                       {"env", "A=1"},
                                       {"env", "-u", "A", "-C", "/"},
                                       {"nice", "-n", "5"},
                                       {"ionice", "-c", "2"},
                                       {"chrt", "-o", "0"},
                                       {"taskset", "-c", "0"},
                                       {"numactl", "--localalloc"},
                                       {"timeout", "-k", "5", "10"},
                                       {"stdbuf", "-oL"},
                                       {"nohup"},
                                       {"setsid", "-w"},
                                       {"unshare", "-m"},
                                       {"time", "-v"},
                                       {"prlimit", "--nofile=1024"},
                                       {"setarch", "-R"},
                                       {"linux64"},
                                       {"strace", "-f", "-o", "/log"},
                                       {"ltrace", "-f"},
                                       {"gdb", "-batch", "-ex", "run", "--args"},
                                       {"xvfb-run", "-a"},
                                       {"nsys", "profile"},
                                       {"ncu", "--set=full"},
                                       {"mpirun", "-n", "2"},
                                       {"srun", "-n1"},
                                       {"gpuinit", "--supervise"},
                                       {"tini", "--", "nice", "env", "A=1"},
                                       {"bash", "-c", "exec \"$0\" \"$@\""},
                                       {"sh", "-c", "exec \"$@\"", "sh"}};
  for (const Words& wrapper : wrappers) {
    Words words = wrapper;
    words.insert(words.end(), command.begin(), command.end());
    EXPECT_EQ(verdict(check(words)), direct) << testing::PrintToString(wrapper);
  }
}

// A guess never stops, with torch.required neither, and the last line says where it was lost.
TEST_F(CommandCheck, WhatIsNotFollowedOnlyWarns) {
  tree_.executable("start.sh", "#!/bin/sh\nif some-program; then A=1; fi\n\"$UNKNOWN\" x.py\n");
  const std::string said = verdict(check({"/start.sh"}));
  EXPECT_THAT(said, HasSubstr("exit 0: warn python.abi"));
  const Ran text = gpuinit({"--check", "--root", tree_.root(), "--node", node_.at("node.json"),
                            "--set", "torch.required=true", "--", "/start.sh"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.err, HasSubstr("guessed /usr/local/bin/python3: not followed past /start.sh:"));
}

TEST_F(CommandCheck, WhatNeedsNoGpuIsNotStopped) {
  for (const Words& command : std::vector<Words>{{"bash"},
                                                 {"ls", "-l"},
                                                 {"pip", "list"},
                                                 {"python3", "--version"},
                                                 {"python3", "--help"},
                                                 {"nvidia-smi"},
                                                 {"torchrun", "--help"},
                                                 {"tini", "--", "bash"},
                                                 {"env"},
                                                 {"bash", "-c", "pip list"}}) {
    const std::string said = verdict(check(command));
    EXPECT_THAT(said, HasSubstr("exit 0: warn python.abi")) << testing::PrintToString(command);
  }
  EXPECT_THAT(verdict(check({"torchrun", "train.py"})), HasSubstr("exit 65"));
}

}  // namespace
}  // namespace gpuinit::test
