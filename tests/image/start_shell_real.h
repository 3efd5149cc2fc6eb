// A shell really run, and the same followed: what the program that it came to was given.
#pragma once

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/root_fs.h"
#include "image/start/path_search.h"
#include "image/start/shell/follow_shell.h"
#include "support/run_program.h"
#include "support/tree.h"

namespace gpuinit::image::test {

constexpr int kReport = 9;  // the descriptor that a stub reports to
constexpr const char* kStubs[] = {"python", "python3", "vllm", "ray", "launcher"};

// What a program was given.
struct Given {
  std::string file;
  std::vector<std::string> argv;
  std::string directory;
  base::Environment environment;
  bool operator==(const Given&) const = default;
};

inline std::vector<std::string> split_nul(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\0', at);
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// This test program under a stub's name reports before main() begins.
__attribute__((constructor)) inline void report_as_stub(int argc, char** argv, char** envp) {
  const char* slash = std::strrchr(argv[0], '/');
  bool is_stub = false;
  for (const char* name : kStubs)
    is_stub = is_stub || std::strcmp(slash == nullptr ? argv[0] : slash + 1, name) == 0;
  if (!is_stub) return;
  std::string report;
  const auto add = [&](const std::string& text) { report += text + '\0'; };
  int variables = 0;
  while (envp[variables] != nullptr) ++variables;
  add(reinterpret_cast<const char*>(::getauxval(AT_EXECFN)));
  char directory[4096] = "";
  if (::getcwd(directory, sizeof directory) == nullptr) ::_exit(99);
  add(directory);
  add(std::to_string(argc));
  add(std::to_string(variables));
  for (int at = 0; at < argc; ++at) add(argv[at]);
  for (int at = 0; at < variables; ++at) add(envp[at]);
  if (::write(kReport, report.data(), report.size()) < 0) ::_exit(98);
  ::_exit(0);
}

struct RealRun {
  std::vector<Given> programs;  // in the order in which they started
  gpuinit::test::Ran ran;
};

inline RealRun run_real(const std::vector<std::string>& argv, const base::Environment& environment,
                        const std::string& directory) {
  char name[] = "/tmp/gpuinit-report-XXXXXX";
  const int file = ::mkostemp(name, O_APPEND | O_CLOEXEC);
  ::unlink(name);
  gpuinit::test::RunOptions options;
  options.environment = environment;
  options.only_this_environment = true;
  options.directory = directory;
  options.timeout = std::chrono::milliseconds(10'000);
  options.in_child = [&] {
    ::dup2(file, kReport);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    // What the text leaves behind in the background may loop for ever.
    const rlimit limit{5, 5};
    ::setrlimit(RLIMIT_CPU, &limit);
  };
  RealRun result;
  result.ran = gpuinit::test::run_program(argv, options);
  std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
  ::lseek(file, 0, SEEK_SET);
  if (::read(file, text.data(), text.size()) < 0) text.clear();
  ::close(file);
  const auto parts = split_nul(text);
  for (std::size_t at = 0; at + 4 <= parts.size();) {
    Given given;
    given.file = parts[at];
    given.directory = parts[at + 1];
    const auto words = std::stoul(parts[at + 2]);
    const auto variables = std::stoul(parts[at + 3]);
    at += 4;
    for (std::size_t i = 0; i < words; ++i) given.argv.push_back(parts[at++]);
    for (std::size_t i = 0; i < variables; ++i) {
      const auto& text_of = parts[at++];
      const auto equals = text_of.find('=');
      given.environment[text_of.substr(0, equals)] = text_of.substr(equals + 1);
    }
    result.programs.push_back(std::move(given));
  }
  return result;
}

inline bool is_stub(const std::string& word) {
  for (const char* name : kStubs)
    if (base::basename(word) == name) return true;
  return false;
}

// "" if what was followed is what happened; else how they differ. A path on which the script
// fails (`may_fail`) may have been taken in truth.
inline std::string difference(const Result<ShellOutcome>& followed, const RealRun& real,
                              const base::RootFs& fs, bool may_fail) {
  if (!followed) return "";
  if (may_fail && real.programs.empty() && real.ran.exit_code != 0 &&
      real.ran.err.find("yntax") == std::string::npos)
    return "";
  if (real.ran.timed_out && real.programs.empty()) return "the shell did not end";
  if (followed->kind == ShellOutcome::Kind::kInteractive) return "interactive";
  const bool ends = followed->kind == ShellOutcome::Kind::kEnds;
  if (ends || !is_stub(followed->exec.argv[0]))
    return real.programs.empty() ? "" : "in truth " + real.programs[0].argv[0] + " runs";
  if (real.programs.empty()) return "in truth nothing runs: " + real.ran.err;
  for (auto program : real.programs) {
    // What bash counts and notes for each of its children.
    for (const char* name : {"SHLVL", "_"})
      if (real.programs.back().environment.count(name) != 0)
        program.environment[name] = real.programs.back().environment.at(name);
    if (!(program == real.programs.back())) return "in truth several programs run";
  }
  const Given& truth = real.programs.back();
  const Exec& exec = followed->exec;
  const auto found =
      find_program(fs, exec.argv[0], search_path_of(exec.environment), exec.working_directory);
  if (!found) return found.error().message;
  if (*found != base::normalize(base::join(exec.working_directory, truth.file)))
    return "file " + *found + ", in truth " + truth.file;
  if (exec.argv != truth.argv) {
    std::string text = "argv";
    for (const auto& word : exec.argv) text += " <" + word + ">";
    text += ", in truth";
    for (const auto& word : truth.argv) text += " <" + word + ">";
    return text;
  }
  if (fs.resolve(exec.working_directory).value_or("?") != truth.directory)
    return "cwd " + exec.working_directory + ", in truth " + truth.directory;
  base::Environment known = truth.environment;
  for (const auto& name : exec.unknown_variables) {
    if (exec.environment.count(name) != 0) return name + " is known and unknown";
    known.erase(name);
  }
  for (const auto& [name, value] : known) {
    const auto mine = exec.environment.find(name);
    if (mine == exec.environment.end()) return name + " is missing, in truth " + value;
    if (mine->second != value) return name + "=" + mine->second + ", in truth " + value;
  }
  for (const auto& [name, value] : exec.environment)
    if (known.count(name) == 0) return name + "=" + value + ", in truth not set";
  return "";
}

}  // namespace gpuinit::image::test
