// What gpuinit --supervise exits with, and what it says when the command cannot start.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervise/supervised.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

TEST(SuperviseExit, IsTheCommandsOwn) {
  for (const int code : {0, 1, 7, 64, 127, 255}) {
    const Ran ran = supervise(shell("exit " + std::to_string(code)));
    EXPECT_EQ(ran.exit_code, code);
  }
}

TEST(SuperviseExit, Is128AndTheSignal) {
  for (const int signal : {1, 2, 6, 9, 11, 15, 37})
    EXPECT_EQ(supervise(shell("kill -" + std::to_string(signal) + " $$")).exit_code, 128 + signal);
}

TEST(SuperviseExit, CodesOfTheListBecomeZero) {
  EXPECT_EQ(supervise(shell("kill $$"), {"launch.exit-zero=[143]"}).exit_code, 0);
  EXPECT_EQ(supervise(shell("exit 3"), {"launch.exit-zero=[143, 3]"}).exit_code, 0);
  EXPECT_EQ(supervise(shell("exit 4"), {"launch.exit-zero=[143, 3]"}).exit_code, 4);
}

// Regression list: "wrong-arch ELF, missing interpreter, no-shebang, empty file,
// directory, non-exec, empty name".
TEST(SuperviseExit, ACommandThatCannotBeExecutedIsExplained) {
  Tree tree;
  std::string elf(64, '\0');
  elf.replace(0, 4, ELFMAG);
  elf[4] = ELFCLASS64;
  elf[5] = ELFDATA2LSB;
  elf[16] = ET_EXEC;
  elf[18] = static_cast<char>(EM_PPC64);
  tree.executable("wrong-arch", elf);
  tree.executable("no-interpreter", "#!/no/such/interpreter\n");
  tree.executable("no-program", std::string("MZ\x90\0\3\n", 6));
  tree.executable("empty");
  tree.directory("directory");
  tree.file("no-exec", "#!/bin/sh\n");
  struct Case {
    std::string command;
    int exit_code;
    std::string message;
  };
  const Case cases[] = {
      {tree.at("wrong-arch"), 126, "is a program for ppc64, this machine is"},
      {tree.at("no-interpreter"), 126, "the interpreter /no/such/interpreter of the script"},
      {tree.at("no-program"), 126, "is neither a program nor a script"},
      {tree.at("empty"), 126, "is empty"},
      {tree.at("directory"), 126, "is a directory"},
      {tree.at("no-exec"), 126, "is not executable"},
      {tree.at("missing"), 127, "does not exist"},
      {"no-such-program", 127, "is not on PATH"},
      {"", 127, "name is empty"},
  };
  for (const auto& [command, exit_code, message] : cases) {
    const Ran ran = run_program(supervised({"--", command}), unchecked());
    EXPECT_EQ(ran.exit_code, exit_code) << command;
    EXPECT_THAT(ran.err, HasSubstr(message)) << command;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  }
}

// As with tini, dumb-init, catatonit and execvp(3).
TEST(SuperviseExit, AScriptWithoutAShebangIsRunByTheShell) {
  Tree tree;
  tree.executable("script", "echo \"$0\" \"$@\"; exit 5\n");
  const std::string script = tree.at("script");
  for (const char* mode : {"exec", "supervise"}) {
    const Ran ran = run_program({GPUINIT_BINARY, "--set", std::string("launch.mode=") + mode,
                                 "--set", "launch.postmortem=false", "--", script, "a", "b c"},
                                clean({{"GPUINIT", "off"}}));
    EXPECT_EQ(ran.exit_code, 5) << mode;
    EXPECT_EQ(ran.out, script + " a b c\n");
    EXPECT_EQ(ran.err, "gpuinit: " + script + " has no #! line, so /bin/sh runs it\n");
  }
  const Ran followed = supervise({script, "a"}, {"launch.postmortem=false"});
  EXPECT_EQ(followed.exit_code, 5);
  EXPECT_EQ(followed.out, script + " a\n");
}

TEST(SuperviseExit, AFailureIsFollowedByWhatTheSystemKnows) {
  EXPECT_THAT(supervise(shell("exit 3")).err, HasSubstr("the command exited with 3"));
  EXPECT_THAT(supervise(shell("kill -SEGV $$")).err, HasSubstr("ended by SIGSEGV"));
  EXPECT_EQ(supervise(shell("exit 3"), {"launch.postmortem=false"}).err, "");
  EXPECT_EQ(supervise(shell("exit 0")).err, "");
}

TEST(SuperviseExit, ThePostmortemIsTheTerminationMessage) {
  Tree tree;
  tree.file("log");
  const std::string log = tree.at("log");
  tree.file("p.toml", "version = 1\nreport.termination-log = \"" + log + "\"\n");
  const RunOptions options = unchecked({{"GPUINIT_POLICY", tree.at("p.toml")}});
  const auto logged = [&] { return run_program({"cat", log}).out; };
  supervise(shell("exit 1"), {}, options);
  EXPECT_EQ(logged(), "") << "nothing is known that the command's own log does not say";
  const Ran ran = supervise(shell("kill -SEGV $$"), {}, options);
  EXPECT_EQ(ran.exit_code, 139);
  EXPECT_EQ(logged(), "gpuinit 139 command\n" + ran.err);
  EXPECT_THAT(logged(), HasSubstr("PYTHONFAULTHANDLER=1"));
  supervise(shell("echo mine > " + log + "; kill -SEGV $$"), {}, options);
  EXPECT_EQ(logged(), "mine\n");
}

TEST(SuperviseExit, WhoWasAskedToStopNeedsNoExplanation) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    RunningProgram running(supervised(shell("trap 'exit 9' TERM INT QUIT; echo up; while :; do "
                                            "sleep 0.02; done")),
                           unchecked());
    ASSERT_TRUE(running.says("up\n"));
    running.send(signal);
    EXPECT_EQ(running.finish(), 9);
    EXPECT_THAT(running.said(), testing::Not(HasSubstr("exited with"))) << signal;
  }
}

TEST(SuperviseExit, AFailureIsExplainedThoughTheDrainWasHurried) {
  RunningProgram running(supervised(shell("(trap 'echo asked; sleep 0.3; exit' TERM; echo up; "
                                          "while :; do sleep 0.02; done) & sleep 0.3; exit 9")),
                         unchecked());
  ASSERT_TRUE(running.says("asked\n"));
  running.send(SIGTERM);
  EXPECT_EQ(running.finish(), 9);
  EXPECT_THAT(running.said(), HasSubstr("the command exited with 9"));
}

TEST(SuperviseExit, AnInitsCommandLineIsUnderstood) {
  EXPECT_EQ(run_program(supervised({"--", "sh", "-c", "exit 5"}), unchecked()).exit_code, 5);
  EXPECT_EQ(supervise({"sh", "-c", "exit 6"}).exit_code, 6) << "no -- needed";
}

// dockerd runs its init as `/sbin/docker-init -- COMMAND`.
TEST(SuperviseExit, TheNameOfAnEnginesInitIsEnough) {
  Tree tree;
  tree.link("docker-init", GPUINIT_BINARY);
  const Ran ran =
      run_program({tree.at("docker-init"), "--", "sh", "-c", "echo $PPID $$"}, unchecked());
  EXPECT_EQ(ran.exit_code, 0);
  RunningProgram running({tree.at("docker-init"), "--", "sh", "-c", "echo parent $PPID; sleep 0.1"},
                         unchecked());
  EXPECT_TRUE(running.says("parent " + std::to_string(running.pid())));
}

TEST(SuperviseExit, ThePolicyCanAskForIt) {
  RunningProgram running({GPUINIT_BINARY, "--set", "launch.mode=supervise", "sh", "-c",
                          "echo parent $PPID; sleep 0.1"},
                         unchecked());
  EXPECT_TRUE(running.says("parent " + std::to_string(running.pid())));
}

TEST(SuperviseExit, WithChecksOffABadPolicyIsSaidAndStopsNothing) {
  const Ran ran = run_program({GPUINIT_BINARY, "--supervise", "sh", "-c", "exit 4"},
                              unchecked({{"GPUINIT", "off"}, {"GPUINIT_POLICY", "/no/file"}}));
  EXPECT_EQ(ran.exit_code, 4);
  EXPECT_THAT(ran.err, HasSubstr("GPUINIT=off"));
  EXPECT_THAT(ran.err, HasSubstr("/no/file"));
}

}  // namespace
}  // namespace gpuinit::test
