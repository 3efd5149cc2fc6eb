#include "assess/exec_judge.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/root_fs.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "gpuinit/exit_codes.h"
#include "image/frameworks/program_framework.h"
#include "image/python/python_binary.h"
#include "image/start/path_search.h"

namespace gpuinit::assess {

namespace {

// Arguments and environment of one process: a quarter of the stack's limit, 2 MiB by default.
constexpr std::size_t kMaxText = 16U << 20;
constexpr std::size_t kMaxLookedAt = 10'000;

// They trace the processes that they start, which have one tracer only.
constexpr std::array<std::string_view, 12> kTracers{"strace", "ltrace",      "gdb",   "gdbserver",
                                                    "lldb",   "lldb-server", "rr",    "cuda-gdb",
                                                    "py-spy", "criu",        "proot", "perf"};

// What scripts start most and what starts nothing itself: let go, its end costs less.
constexpr std::array<std::string_view, 32> kLeaves{
    "basename", "cat",   "chmod", "chown",  "cp",    "cut",      "date",  "dirname",
    "echo",     "expr",  "false", "grep",   "head",  "hostname", "id",    "ln",
    "ls",       "mkdir", "mv",    "printf", "pwd",   "readlink", "rm",    "seq",
    "sleep",    "stat",  "tail",  "test",   "touch", "true",     "uname", "wc"};

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

std::string proc_path(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

// "" if it cannot be read.
std::string read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

std::string read_text(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[16384];
  while (fd.valid() && text.size() < kMaxText) {
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got <= 0) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

// The texts that each end with '\0'.
std::vector<std::string_view> strings_of(std::string_view text) {
  if (text.ends_with('\0')) text.remove_suffix(1);
  return text.empty() ? std::vector<std::string_view>() : base::split(text, '\0');
}

base::Environment environment_of(std::string_view text) {
  base::Environment environment;
  for (const std::string_view variable : strings_of(text))
    if (const auto equals = variable.find('='); equals != std::string_view::npos)
      environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  return environment;
}

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The files that we see are those that it sees.
bool shares_our_files(pid_t pid) {
  return is_same_file(proc_path(pid, "root/"), "/") &&
         is_same_file(proc_path(pid, "ns/mnt"), "/proc/self/ns/mnt");
}

// A process that has become another user is judged with that one's rights. Without
// CAP_SYS_PTRACE it cannot be read otherwise.
void become_owner_of(pid_t pid) {
  struct stat status {};
  if (::stat(proc_path(pid, "").c_str(), &status) != 0 || status.st_uid == ::geteuid()) return;
  std::vector<gid_t> groups;
  const std::string text = read_text(proc_path(pid, "status"));
  for (const std::string_view line : base::split_lines(text))
    if (line.starts_with("Groups:"))
      for (const std::string_view word : base::split_words(line.substr(7)))
        groups.push_back(static_cast<gid_t>(base::parse_number(word).value_or(status.st_gid)));
  if (::setgroups(groups.size(), groups.data()) != 0 || ::setgid(status.st_gid) != 0 ||
      ::setuid(status.st_uid) != 0)
    base::log_verbose("follow: cannot become the user of process " + std::to_string(pid));
  ::prctl(PR_SET_DUMPABLE, 1);  // or our own /proc is root's
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// A command whose walk begins at the file that runs. Python goes by argv[0], and so does the
// walk; what it says may be wrong (exec -a), or be found only with the caller's PATH.
std::vector<std::string> command_of(const base::RootFs& fs, const std::string& program,
                                    const AssessRequest& request, std::string_view arguments) {
  std::vector<std::string> command;
  for (const std::string_view word : strings_of(arguments)) command.emplace_back(word);
  if (command.empty()) command.emplace_back();
  const auto found = image::find_program(fs, command[0], image::search_path_of(request.environment),
                                         request.working_directory);
  if (!found || fs.resolve(*found).value_or("") != program) command[0] = program;
  return command;
}

// The command is a program that runs on GPUs by itself, with or without a Python in the image.
bool runs_framework(const ImageFacts& image) {
  return image.frameworks &&
         std::ranges::any_of(*image.frameworks, [](const Framework& one) { return one.runs; });
}

}  // namespace

bool start_is_unclear(const ImageFacts& image, const Policy& policy) {
  if (image.command.empty() || !policy.python.interpreter.empty() || runs_framework(image))
    return false;
  if (image.interpreter && image.interpreter->from_command) return false;
  // A program that is not Python may start one (a launcher in Rust).
  return !image.program || image.program->needs_no_gpu.empty();
}

bool is_worth_judging(const ImageFacts& image) {
  const bool has_torch =
      image.interpreter && image.interpreter->from_command && image.torch.known();
  return (has_torch || runs_framework(image)) && image.program &&
         image.program->needs_no_gpu.empty();
}

AtExec ExecJudge::at_exec(pid_t pid) {
  const std::string program = read_link(proc_path(pid, "exe"));
  // Another user's: the judge can become that one.
  if (program.empty()) return AtExec::kIsJudged;
  const std::string_view directory = base::parent(program);
  const bool is_systems = directory == "/usr/bin" || directory == "/bin";
  if (is_among(base::basename(program), kTracers) ||
      (is_systems && is_among(base::basename(program), kLeaves)))
    return AtExec::kIsLetGo;
  if (image::is_python_name(program)) return AtExec::kIsJudged;
  std::string key = program;
  // The system's own programs have no GPU code whatever the loader adds.
  const std::string environment = is_systems ? "" : read_text(proc_path(pid, "environ"));
  for (const std::string_view variable : strings_of(environment))
    if (variable.starts_with("LD_")) key.append("\n").append(variable);
  if (looked_at_.size() >= kMaxLookedAt) looked_at_.clear();
  return looked_at_.insert(std::move(key)).second ? AtExec::kIsJudged : AtExec::kGoesOn;
}

int ExecJudge::judge(pid_t pid) const {
  // Once it is another user's, what it starts cannot be read either.
  const bool is_ours = !read_link(proc_path(pid, "exe")).empty();
  const Judgement go_on = is_ours ? kNotJudged : kNotToFollow;
  become_owner_of(pid);
  const std::string program = read_link(proc_path(pid, "exe"));
  if (program.empty() || !shares_our_files(pid)) return kNotToFollow;
  auto fs = base::RootFs::open("/");
  if (!fs) return go_on;

  AssessRequest request;
  request.environment = environment_of(read_text(proc_path(pid, "environ")));
  request.working_directory = read_link(proc_path(pid, "cwd"));
  request.command = command_of(*fs, program, request, read_text(proc_path(pid, "cmdline")));
  if (!image::is_python_name(program)) {
    const auto found = image::read_program_frameworks(*fs, request.environment, program);
    if (std::ranges::none_of(found, [](const Framework& one) { return one.runs; }))
      return std::ranges::any_of(found,
                                 [](const Framework& one) { return one.device_code.known(); })
                 ? kNothingToJudge
                 : go_on;
    base::log_verbose("follow: " + program + " has GPU code of its own");
  }
  request.asked_node = &earlier_;
  request.is_worth_judging = is_worth_judging;
  auto assessment = assess(request, policy_);
  if (!assessment) return go_on;
  report_(*assessment);
  return assessment->verdict.word == Verdict::Word::kFail ? assessment->verdict.exit_code
                                                          : static_cast<int>(kGoodVerdict);
}

}  // namespace gpuinit::assess
