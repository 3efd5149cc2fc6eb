#include "launch/exec_command.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/tree.h"

namespace gpuinit::launch {
namespace {

using test::Tree;
using testing::HasSubstr;

// Executes for real and returns how that failed; the process goes on only then.
ExecFailure exec_in_child(const std::string& path) {
  int results[2];
  EXPECT_EQ(::pipe(results), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string name = path;
    char* argv[] = {name.data(), nullptr};
    const ExecFailure failure = exec_command(path, argv);
    const std::string text = std::to_string(failure.exit_code) + " " + failure.message;
    [[maybe_unused]] const auto n = ::write(results[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(results[1]);
  char text[2048];
  const ssize_t got = ::read(results[0], text, sizeof text - 1);
  ::close(results[0]);
  text[std::max<ssize_t>(got, 0)] = '\0';
  char* rest = nullptr;
  const long code = std::strtol(text, &rest, 10);
  return {static_cast<int>(code), *rest == ' ' ? rest + 1 : rest};
}

std::string elf_header(std::uint16_t machine, const std::string& loader = "") {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = loader.empty() ? 0 : 1;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  if (loader.empty()) return bytes;
  Elf64_Phdr segment{};
  segment.p_type = PT_INTERP;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = loader.size() + 1;
  bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment);
  return bytes + loader + std::string(1, '\0');
}

TEST(ExecFailure, MissingFile) {
  const auto failure = exec_in_child("/no/such/file");
  EXPECT_EQ(failure.exit_code, 127);
  EXPECT_EQ(failure.message, "/no/such/file does not exist");
}

#if defined(__x86_64__)
constexpr auto kOwnMachine = EM_X86_64, kOtherMachine = EM_AARCH64;
constexpr const char* kOther = "is a program for aarch64, this machine is x86-64";
#else
constexpr auto kOwnMachine = EM_AARCH64, kOtherMachine = EM_X86_64;
constexpr const char* kOther = "is a program for x86-64, this machine is aarch64";
#endif

TEST(ExecFailure, ProgramForAnotherMachine) {
  Tree tree;
  tree.executable("p", elf_header(kOtherMachine) + std::string(200, '\0'));
  const auto failure = exec_in_child(tree.at("p"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr(kOther));
}

TEST(ExecFailure, ProgramWhoseLoaderIsMissing) {
  Tree tree;
  tree.executable("p",
                  elf_header(kOwnMachine, "/lib/ld-musl-x86_64.so.9") + std::string(200, '\0'));
  const auto failure = exec_in_child(tree.at("p"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr("needs the loader /lib/ld-musl-x86_64.so.9"));
}

TEST(ExecFailure, ScriptWhoseInterpreterIsMissing) {
  Tree tree;
  tree.executable("s", "#! /opt/venv/bin/python3 -u\nprint()\n");
  const auto failure = exec_in_child(tree.at("s"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr("the interpreter /opt/venv/bin/python3 of the script "));
}

TEST(ExecFailure, ScriptWithWindowsLineEnds) {
  Tree tree;
  tree.executable("s", "#!/bin/sh\r\nexit 0\r\n");
  const auto failure = exec_in_child(tree.at("s"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr("Windows line ends"));
}

TEST(ExecFailure, ScriptWithoutFirstLineIsAShells) {
  Tree tree;
  tree.executable("s", "echo hello\n");
  const ExecFailure failure = describe_exec_failure(tree.at("s"), ENOEXEC);
  EXPECT_TRUE(failure.shell_runs_it);
  EXPECT_EQ(failure.message, tree.at("s").string() + " has no #! line, so /bin/sh runs it");
  EXPECT_EQ(expected_exec_failure(tree.at("s")).exit_code, 0);
}

// Fed to a shell they would run whatever their bytes happen to say.
TEST(ExecFailure, WhatIsNoTextIsNotAShells) {
  Tree tree;
  tree.executable("empty").executable("other", std::string("MZ\x90\0\3 echo hello\n", 18));
  tree.executable("elf", elf_header(kOtherMachine) + std::string(200, '\0'));
  for (const char* name : {"empty", "other", "elf"}) {
    const auto failure = exec_in_child(tree.at(name));
    EXPECT_EQ(failure.exit_code, 126) << name;
    EXPECT_FALSE(describe_exec_failure(tree.at(name), ENOEXEC).shell_runs_it) << name;
  }
}

TEST(ExecFailure, EmptyFile) {
  Tree tree;
  tree.executable("e");
  const auto failure = exec_in_child(tree.at("e"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr("is empty"));
}

TEST(ExecFailure, Directory) {
  Tree tree;
  tree.directory("d");
  const auto failure = exec_in_child(tree.at("d"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr("is a directory"));
}

TEST(ExecFailure, FileWithoutExecuteBit) {
  Tree tree;
  tree.file("f", "#!/bin/sh\n");
  const auto failure = exec_in_child(tree.at("f"));
  EXPECT_EQ(failure.exit_code, 126);
  EXPECT_THAT(failure.message, HasSubstr("is not executable: chmod +x it"));
}

TEST(ExecFailure, PathThroughAFile) {
  Tree tree;
  tree.file("f");
  const auto failure = exec_in_child(tree.at("f").string() + "/x");
  EXPECT_EQ(failure.exit_code, 127);
  EXPECT_THAT(failure.message, HasSubstr("is not a directory"));
}

class FindCommand : public testing::Test {
 protected:
  void SetUp() override { old_ = std::getenv("PATH"); }
  void TearDown() override { ::setenv("PATH", old_.c_str(), 1); }
  std::string old_;
};

TEST_F(FindCommand, TakesTheFirstExecutableOnPath) {
  Tree tree;
  tree.file("a/tool").executable("b/tool").executable("c/tool");
  const std::string root = tree.root();
  ::setenv("PATH", (root + "/a:" + root + "/none:" + root + "/b:" + root + "/c").c_str(), 1);
  EXPECT_EQ(find_command("tool").path, root + "/b/tool");
}

TEST_F(FindCommand, SaysThatTheOnlyOneCannotBeExecuted) {
  Tree tree;
  tree.file("a/tool");
  ::setenv("PATH", (tree.root() + "/a").c_str(), 1);
  const auto found = find_command("tool");
  EXPECT_EQ(found.path, "");
  EXPECT_EQ(found.failure.exit_code, 126);
}

TEST_F(FindCommand, SaysWhereItLooked) {
  ::setenv("PATH", "/nowhere:/else", 1);
  const auto found = find_command("pyhton");
  EXPECT_EQ(found.failure.exit_code, 127);
  EXPECT_EQ(found.failure.message, "`pyhton` is not on PATH (/nowhere:/else)");
}

TEST_F(FindCommand, AnEmptyNameIsNotFound) { EXPECT_EQ(find_command("").failure.exit_code, 127); }

TEST_F(FindCommand, AnUnsetPathIsThatOfContainerEngines) {
  ::unsetenv("PATH");
  EXPECT_FALSE(find_command("sh").path.empty());
}

}  // namespace
}  // namespace gpuinit::launch
