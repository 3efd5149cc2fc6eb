// A command that cannot be started: --check says what a launch says, by the same exit code and in
// the same words, of this machine's files and of another root's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "program/gpuinit_program.h"
#include "support/elf_builder.h"

namespace gpuinit::test {
namespace {

struct Case {
  std::string command;
  int exit_code;
};

const std::vector<Case> kCases = {{"./crlf", 126},
                                  {"./mode-644", 126},
                                  {"./no-interpreter", 126},
                                  {"./interpreter-without-interpreter", 126},
                                  {"./interpreter-is-a-directory", 126},
                                  {"./interpreter-mode-644", 126},
                                  {"./names-no-interpreter", 126},
                                  {"./interpreter-of-300-letters", 126},
                                  {"./interprets-itself", 126},
                                  {"./empty", 126},
                                  {"./bytes", 126},
                                  {"./cut-elf", 126},
                                  {"./elf-without-loader", 126},
                                  {"./directory", 126},
                                  {"./fifo", 126},
                                  {"./loop", 126},
                                  {"./mode-644/x", 127},
                                  {"./no-such-file", 127},
                                  {"no-such-name", 127},
                                  {"mode-644", 126},
                                  {"directory", 126},
                                  {"", 127}};

class CommandWords : public testing::Test {
 protected:
  CommandWords() {
    tree_.executable("crlf", "#!/bin/sh\r\nexit\r\n")
        .file("mode-644", "#!/bin/sh\n")
        .executable("no-interpreter", "#!/no/such/interpreter -x\n")
        .executable("interpreter-without-interpreter", "#!./no-interpreter\n")
        .executable("interpreter-is-a-directory", "#!./directory\n")
        .executable("interpreter-mode-644", "#!./mode-644\n")
        .executable("names-no-interpreter", "#! \t\nexit\n")
        .executable("interpreter-of-300-letters", "#!./" + std::string(300, 'x') + "\n")
        .executable("interprets-itself", "#!./interprets-itself\n")
        .executable("empty")
        .executable("bytes", std::string("\0\1\2\3", 4))
        .executable("cut-elf",
                    "\x7f"
                    "ELF")
        .executable("elf-without-loader", ElfBuilder().interpreter("/no/such/ld.so").build())
        .directory("directory")
        .link("loop", "loop");
    ::mkfifo(tree_.at("fifo").c_str(), 0755);
  }

  Ran run(std::vector<std::string> words, const std::string& command) const {
    RunOptions options = clean({{"PATH", "/usr/bin:."}});
    options.directory = tree_.root();
    // What the checks say is not asked for.
    if (words.empty() || words[0] != "--check") options.environment["GPUINIT"] = "off";
    words.insert(words.end(), {"--quiet", "--", command});
    return gpuinit(words, options);
  }

  Tree tree_;
};

TEST_F(CommandWords, ACheckSaysWhatALaunchSays) {
  for (const auto& [command, exit_code] : kCases) {
    const Ran launched = run({}, command);
    EXPECT_EQ(launched.exit_code, exit_code) << command << launched.err;
    for (const std::vector<std::string>& words : {std::vector<std::string>{"--supervise"},
                                                  {"--check"},
                                                  {"--check", "--root", tree_.root()}}) {
      const Ran ran = run(words, command);
      EXPECT_EQ(ran.exit_code, exit_code) << testing::PrintToString(words) << command << ran.err;
      EXPECT_EQ(ran.err, launched.err) << testing::PrintToString(words) << command;
    }
  }
}

// Where nothing is wrong with it, nobody says so.
TEST_F(CommandWords, WhatStartsIsNotRefused) {
  tree_.executable("script", "#!/bin/sh")
      .executable("interpreted", "#!./script\n")
      .executable("long-argument", "#!/bin/echo " + std::string(300, 'x') + "\n");
  for (const char* command : {"./script", "./interpreted", "./long-argument", "true"}) {
    EXPECT_EQ(run({}, command).exit_code, 0) << command;
    EXPECT_EQ(run({"--check"}, command).exit_code, 0) << command;
  }
}

// A script without a #! line, whatever a launch makes of it.
TEST_F(CommandWords, AScriptWithoutAFirstLine) {
  tree_.executable("plain", "exit 0\n");
  EXPECT_EQ(run({}, "./plain").exit_code, run({"--check"}, "./plain").exit_code);
}

// Nobody but root may execute it, and it is not known who runs the other root's image.
TEST_F(CommandWords, PermissionsAreTheCallersInItsOwnRootOnly) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  tree_.executable("mine", "#!/bin/sh\n").executable("bin/sh", ElfBuilder().build());
  ::chmod(tree_.at("mine").c_str(), 0700);
  ::chmod(tree_.root().c_str(), 0755);
  const auto as_nobody = [&](std::vector<std::string> words) {
    RunOptions options = clean();
    options.directory = tree_.root();
    options.in_child = [] {
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(249);
    };
    words.insert(words.end(), {"--quiet", "--", "./mine"});
    return gpuinit(words, options);
  };
  EXPECT_EQ(as_nobody({}).exit_code, 126);
  EXPECT_EQ(as_nobody({"--check"}).exit_code, 126);
  EXPECT_EQ(as_nobody({"--check"}).err, as_nobody({}).err);
  EXPECT_NE(as_nobody({"--check", "--root", tree_.root()}).exit_code, 126);
}

}  // namespace
}  // namespace gpuinit::test
