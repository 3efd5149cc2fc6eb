#include "image/real_start.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace gpuinit::image::real {

namespace {

namespace stdfs = std::filesystem;

std::string read_all(const stdfs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Words split_nul(const std::string& text) {
  Words parts;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\0', at);
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::vector<Given> parse_log(const std::string& text) {
  std::vector<Given> programs;
  const Words parts = split_nul(text);
  for (std::size_t at = 0; at + 5 <= parts.size();) {
    Given given{parts[at], parts[at + 1], !parts[at + 2].empty(), {}, {}};
    std::size_t words = std::stoul(parts[at + 3]);
    std::size_t variables = std::stoul(parts[at + 4]);
    at += 5;
    for (; words > 0; --words) given.argv.push_back(parts[at++]);
    for (; variables > 0; --variables, ++at) {
      const auto equals = parts[at].find('=');
      given.environment[parts[at].substr(0, equals)] = parts[at].substr(equals + 1);
    }
    programs.push_back(std::move(given));
  }
  return programs;
}

void write_text(const char* path, const std::string& text) {
  const int file = ::open(path, O_WRONLY);
  if (file < 0 || ::write(file, text.data(), text.size()) < 0) ::_exit(244);
  ::close(file);
}

// With /proc and /dev, which programs and scripts ask. In a user namespace where this is not root.
void enter_root(const std::string& root) {
  const std::string uid = std::to_string(::geteuid());
  const bool is_root = ::geteuid() == 0;
  if (::unshare(CLONE_NEWNS | (is_root ? 0 : CLONE_NEWUSER)) != 0) ::_exit(243);
  if (!is_root) write_text("/proc/self/uid_map", "0 " + uid + " 1\n");
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  for (const char* place : {"/proc", "/dev"})
    if (::mount(place, (root + place).c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
      ::_exit(242);
  if (::chroot(root.c_str()) != 0) ::_exit(241);
}

bool matches(const std::string& name, const std::string& pattern) {
  if (!pattern.ends_with("*")) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

std::string joined(const Words& words) {
  std::string text;
  for (const auto& word : words) text += " <" + word + ">";
  return text;
}

// Those of `environment` that are not among the unknown ones.
Environment known_of(Environment environment, const Exec& exec, const Stage& stage) {
  std::erase_if(environment, [&](const auto& variable) {
    if (stage.also_unknown.count(variable.first) != 0) return true;
    for (const auto& pattern : exec.unknown_variables)
      if (matches(variable.first, pattern)) return true;
    return false;
  });
  return environment;
}

std::string difference_of(const Environment& followed, const Environment& real) {
  for (const auto& [name, value] : real) {
    const auto mine = followed.find(name);
    if (mine == followed.end()) return name + " is missing, in truth " + value;
    if (mine->second != value) return name + "=" + mine->second + ", in truth " + value;
  }
  for (const auto& [name, value] : followed)
    if (real.count(name) == 0) return name + "=" + value + ", in truth not set";
  return "";
}

}  // namespace

Stage::Stage(bool as_root) : as_root_(as_root) {
  ::chmod(tree.root().c_str(), 0755);
  tree.file(".given/log", "", 0666).file(".given/input");
  log_ = tree.at(".given/log").native();
  ::chmod(log_.c_str(), 0666);
  environment = {{"PATH", root() + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
                                   "/bin"},
                 {"HOME", "/root"},
                 {"LANG", "C.UTF-8"}};
  if (!as_root) return;
  for (const char* link : {"bin", "sbin", "lib", "lib64"}) {
    tree.directory(std::string("usr/") + link).link(link, std::string("usr/") + link);
  }
  environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  tree.directory("proc").directory("dev").directory("root").directory("tmp");
  tree.file("etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n");
}

Stage& Stage::stub(const std::string& path) {
  const auto to = tree.at(path);
  stdfs::create_directories(to.parent_path());
  std::error_code elsewhere;
  // A link would be resolved: each name has a file of its own.
  stdfs::create_hard_link(START_STUB_BINARY, to, elsewhere);
  if (elsewhere) stdfs::copy_file(START_STUB_BINARY, to, stdfs::copy_options::overwrite_existing);
  return *this;
}

Stage& Stage::program(const std::string& name) {
  const auto ran = gpuinit::test::run_program(
      {"/bin/sh", "-c", "p=$(command -v \"$0\") && echo \"$p\" && ldd \"$p\"", name});
  std::istringstream words(ran.out);
  for (std::string word; words >> word;) {
    if (!word.starts_with("/")) continue;
    const auto to = tree.at(word);
    stdfs::create_directories(to.parent_path());
    stdfs::copy_file(word, to, stdfs::copy_options::skip_existing);
  }
  return *this;
}

std::string Stage::expanded(std::string text) const {
  for (std::size_t at = 0; (at = text.find("@/", at)) != std::string::npos;) {
    const bool begins =
        at == 0 || std::string_view("=: \"'(").find(text[at - 1]) != std::string::npos;
    if (begins) text.replace(at, 1, root());
    ++at;
  }
  return text;
}

Words Stage::expanded(const Words& words) const {
  Words result;
  for (const auto& word : words) result.push_back(expanded(word));
  return result;
}

RealRun Stage::run(const Words& command) const {
  stdfs::resize_file(log_, 0);
  const Words words = expanded(command);
  const std::string place = root() + directory;
  const std::string input = tree.at(".given/input").native();
  gpuinit::test::RunOptions options;
  options.timeout = std::chrono::milliseconds(60'000);
  options.in_child = [&] {
    ::dup2(::open(input.c_str(), O_RDONLY), 0);
    if (as_root_) enter_root(tree.root());
    if (::chdir(place.c_str()) != 0) ::_exit(240);
    ::clearenv();
    for (const auto& [name, value] : environment)
      ::setenv(name.c_str(), expanded(value).c_str(), 1);
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(errno == ENOENT ? 127 : 126);
  };
  const auto ran = gpuinit::test::run_program({"-"}, options);
  return {parse_log(read_all(log_)), ran.exit_code, ran.out + ran.err};
}

Start Stage::follow(const Words& command) const {
  auto fs = base::RootFs::open(as_root_ ? tree.root() : "/");
  Environment expanded_environment;
  for (const auto& [name, value] : environment) expanded_environment[name] = expanded(value);
  return follow_command(
      {*fs, expanded(command), expanded_environment, root() + directory, "", ::geteuid()});
}

Came came_of(const Start& start, const Stage& stage) {
  if (!start.program.known()) return Came::kUnclear;
  const auto path = stage.tree.at(start.program->path);
  const auto full = start.program->path.starts_with(stage.tree.root() + "/")
                        ? stdfs::path(start.program->path)
                        : path;
  std::error_code none;
  const bool is_stub = stdfs::file_size(full, none) == stdfs::file_size(START_STUB_BINARY) && !none;
  // A real Python reports through a script.
  const bool reports = !start.program->runs.empty();
  return is_stub || reports ? Came::kToAProgram : Came::kToNothing;
}

std::string difference(const Start& followed, const RealRun& real, const Stage& stage) {
  const Given* truth = nullptr;
  for (const Given& program : real.programs)
    if (!program.in_background) truth = &program;
  switch (came_of(followed, stage)) {
    case Came::kUnclear:
      return "";
    case Came::kToNothing:
      return truth == nullptr ? "" : followed.program->path + ", in truth " + truth->file + " runs";
    case Came::kToAProgram:
      break;
  }
  if (truth == nullptr)
    return followed.program->path +
           ", in truth nothing runs: " + real.err.substr(0, real.err.find('\n'));
  const Exec& exec = followed.exec;
  const auto same = [&](const std::string& mine, const std::string& theirs) {
    std::error_code none;
    const bool inside = mine.starts_with(stage.tree.root() + "/") || mine == stage.tree.root();
    const auto of = [&](const std::string& path) {
      return inside ? stdfs::path(path) : stage.tree.at(path);
    };
    return mine == theirs ||
           stdfs::weakly_canonical(of(mine), none) == stdfs::weakly_canonical(of(theirs), none);
  };
  if (!same(followed.program->path, truth->file))
    return followed.program->path + ", in truth " + truth->file;
  if (exec.argv != truth->argv)
    return "argv" + joined(exec.argv) + ", in truth" + joined(truth->argv);
  if (!same(exec.working_directory, truth->directory))
    return "directory " + exec.working_directory + ", in truth " + truth->directory;
  return difference_of(known_of(exec.environment, exec, stage),
                       known_of(truth->environment, exec, stage));
}

void RealStarts::expect_one(const Case& it) {
  std::string shown;
  for (const auto& word : it.command) shown += word + " ";
  for (const auto& [name, value] : it.more) shown += "[" + name + "=" + value + "] ";
  SCOPED_TRACE(shown);
  const Environment kept = stage_.environment;
  for (const auto& [name, value] : it.more) stage_.environment[name] = value;
  const Start start = stage_.follow(it.command);
  const RealRun real = stage_.run(it.command);
  stage_.environment = kept;
  EXPECT_EQ(difference(start, real, stage_), "");
  EXPECT_EQ(static_cast<int>(came_of(start, stage_)), static_cast<int>(it.came))
      << (start.program.known() ? start.program->path : start.program.reason());
  // What is said to be followed must not be a case in which nothing runs at all.
  EXPECT_TRUE(it.came != Came::kToAProgram || !real.programs.empty()) << real.err;
}

void RealStarts::expect(const std::vector<Case>& cases) {
  for (const Case& it : cases) expect_one(it);
}

}  // namespace gpuinit::image::real
