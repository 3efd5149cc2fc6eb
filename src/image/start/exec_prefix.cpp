#include "image/start/exec_prefix.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "image/start/passwd.h"
#include "image/start/path_search.h"
#include "image/start/words.h"

namespace gpuinit::image {

namespace {

// What else it changes for the command.
enum class Effect {
  kNone,
  kNumber,      // nothing, but the operand, or the value of -n, has to be a number
  kPermutes,    // nothing, but its options may stand behind the command's program as well
  kShell,       // nothing, but it starts a shell where no command is given
  kUser,        // the first operand is a user: HOME (gosu, su-exec)
  kSetpriv,     // --reuid, --reset-env
  kRunuser,     // -u USER: HOME, USER, LOGNAME
  kStdbuf,      // LD_PRELOAD
  kStrace,      // -E NAME=VALUE, -E NAME
  kDisplay,     // DISPLAY and XAUTHORITY of a server it starts
  kGdb,         // LINES and COLUMNS; the command stands behind --args
  kMpi,         // variables that tell a process its rank
  kDirectory,   // nsys, ncu: variables of the injected library
  kNotKnowable  // sudo, chroot, xargs: another configuration, root or input decides
};

// `shorts` as getopt(3) takes it, and '!' behind a letter after which nothing is run. `longs`:
// names without dashes, with '=' if a value is required, which may then be the next word; "?"
// stands for: the value is optional, and never the next word.
struct Prefix {
  std::string_view names;
  std::string_view shorts;
  std::string_view longs;
  int operands = 0;  // words of its own before the command
  Effect effect = Effect::kNone;
  bool script = false;
};

// Sources: the programs' manual pages; coreutils, util-linux, tini, dumb-init, catatonit, gosu,
// su-exec, numactl, strace, ltrace, gdb, xvfb-run, Open MPI, Slurm, Nsight.
constexpr Prefix kPrefixes[] = {
    // glibc's getopt(3) without '+', musl's does not permute.
    {"tini tini-static docker-init", "svwgp:e:h!l!", "version", 0, Effect::kPermutes},
    {"dumb-init", "cr:vh!V!", "single-child rewrite= verbose help version"},
    {"catatonit podman-init", "gL!P!h!V!", "version", 0, Effect::kPermutes},
    {"gosu su-exec", "", "version help", 1, Effect::kUser},
    {"setpriv", "d!h!V!",
     "clear-groups keep-groups init-groups no-new-privs nnp reset-env reuid= regid= ruid= euid= "
     "rgid= egid= groups= inh-caps= ambient-caps= bounding-set= securebits= pdeathsig= "
     "selinux-label= apparmor-profile= help version",
     0, Effect::kSetpriv},
    {"runuser", "u:g:G:h!V!", "user= group= supp-group= help version", 0, Effect::kRunuser},
    {"sudo doas su chroot pkexec machinectl busybox toybox xargs watch parallel flock script tmux "
     "screen make valgrind perf compute-sanitizer cuda-gdb supervisord s6-svscan runsvdir "
     "start-stop-daemon chpst setuidgid s6-setuidgid bwrap firejail",
     "", "", 0, Effect::kNotKnowable},
    {"nice", "0123456789n:", "adjustment= help version", 0, Effect::kNumber},
    {"ionice", "c:n:th!V!", "class= classdata= ignore help version"},
    {"chrt", "abdfiorRvm!h!V!T:P:D:",
     "all-tasks batch deadline fifo idle other rr reset-on-fork sched-runtime= sched-period= "
     "sched-deadline= verbose max help version",
     1, Effect::kNumber},
    {"taskset", "ach!V!", "all-tasks cpu-list help version", 1},
    {"numactl", "abi:p:P:c:N:C:m:lts!H!",
     "all balancing interleave= preferred= preferred-many= cpubind= cpunodebind= physcpubind= "
     "membind= localalloc strict show hardware"},
    {"timeout", "k:s:v", "kill-after= signal= foreground preserve-status verbose help version", 1,
     Effect::kNumber},
    {"stdbuf", "i:o:e:", "input= output= error= help version", 0, Effect::kStdbuf},
    {"nohup", "", "help version"},
    {"setsid", "cfwh!V!", "ctty fork wait help version"},
    {"setarch linux32 linux64 i386 x86_64 uname26", "vRFh!V!B3XZLIST",
     "verbose addr-no-randomize help version uname-2.6", 0, Effect::kShell},
    {"prlimit", "c::d::e::f::i::l::m::n::q::r::s::t::u::v::x::y::h!V!",
     "core? data? nice? fsize? sigpending? memlock? rss? nofile? msgqueue? rtprio? stack? cpu? "
     "nproc? as? locks? rttime? verbose help version"},
    {"unshare", "muinpUCTfrch!V!",
     "mount? uts? ipc? net? pid? user? cgroup? time? fork mount-proc? map-root-user "
     "map-current-user kill-child? propagation= setgroups= keep-caps help version",
     0, Effect::kShell},
    {"time", "o:f:apvqh!V!", "output= format= append portability verbose quiet help version"},
    {"xvfb-run", "ae:f:h!ln:p:s:w:",
     "auto-servernum error-file= auth-file= listen-tcp server-num= xauth-protocol= server-args= "
     "wait= help",
     0, Effect::kDisplay, true},
    {"with-contenv", "", "", 0, Effect::kNotKnowable, true},
    {"strace", "a:b:CcdDE:fFh!iI:kno:e:O:P:qrs:S:tTU:vV!wxX:yYzZ",
     "summary-only summary follow-forks output-separately output= trace= string-limit= "
     "seccomp-bpf quiet? env= help version",
     0, Effect::kStrace},
    {"ltrace",
     "a:A:bcCe:fF:h!il:Ln:o:rs:StTV!w:x:", "align= output= no-signals demangle help version"},
    {"gdb", "", "", 0, Effect::kGdb},
    {"nsys", "", "", 1, Effect::kDirectory},
    {"ncu nv-nsight-cu-cli", "o:k:s:c:fh!",
     "set= section= metrics= target-processes= kernel-name= kernel-id= launch-skip= launch-count= "
     "export= clock-control= cache-control= replay-mode= nvtx nvtx-include= nvtx-exclude= "
     "graph-profiling= profile-from-start= force-overwrite csv page= devices= call-stack log-file= "
     "help version",
     0, Effect::kDirectory},
    {"mpirun mpiexec orterun", "",
     "n= np= c= N= H= host= hostfile= machinefile= map-by= bind-to= rank-by= x= npernode= "
     "ppn= mca== report-bindings allow-run-as-root oversubscribe tag-output q v display-map "
     "help version",
     0, Effect::kMpi},
    {"srun", "n:N:c:p:t:J:o:e:i:A:w:x:lukKQvh!",
     "ntasks= nodes= cpus-per-task= partition= time= job-name= output= error= account= nodelist= "
     "exclude= gres= gpus= gpus-per-node= gpus-per-task= gpu-bind= ntasks-per-node= mem= "
     "cpu-bind= mpi= label unbuffered kill-on-bad-exit? exclusive? overlap no-container-mount-home "
     "container-image= container-mounts= help version",
     0, Effect::kMpi},
    {"gpuinit", "",
     "policy= set= format= supervise quiet verbose help version check facts? explain? "
     "print-policy changed seal= no-run root= image= node= image-config="},
};

// Options after which nothing is run.
constexpr std::string_view kRunsNothing =
    " help version show hardware check facts explain print-policy seal max ";

const Prefix* find_prefix(std::string_view name) {
  for (const Prefix& prefix : kPrefixes)
    if (has_word(prefix.names, name)) return &prefix;
  return nullptr;
}

// One prefix's own arguments, taken off one after the other.
class Arguments {
 public:
  Arguments(const Prefix& prefix, const Exec& exec) : prefix_(prefix), words_(exec.argv) {}

  // False if it runs nothing. An error for an option that is not known.
  Result<bool> read() {
    for (; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      // To gosu it is a user.
      if (word == "--" && prefix_.effect != Effect::kUser) {
        ++at_;
        break;
      }
      if (word.size() < 2 || word[0] != '-') {
        if (prefix_.effect == Effect::kPermutes && has_option_behind(at_))
          return Error{words_[0] +
                       ", which takes options behind the program for its own: without --"};
        break;
      }
      // mpirun's long options may have a single dash.
      const bool is_long = word[1] == '-' || prefix_.shorts.empty();
      auto more = is_long ? read_long(word) : read_shorts(word);
      if (!more || !*more) return more;
    }
    for (int i = 0; i < prefix_.operands && at_ < words_.size(); ++i)
      operands_.push_back(words_[at_++]);
    return at_ < words_.size();
  }

  // It is asked for its help or the like.
  bool ended() const { return at_ < words_.size(); }

  std::vector<std::string> command() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end()};
  }
  const std::vector<std::string>& operands() const { return operands_; }

  // The last value of the option; empty: not given.
  std::string value(std::string_view name) const {
    std::string found;
    for (const auto& [option, value] : given_)
      if (option == name) found = value;
    return found;
  }
  bool has(std::string_view name) const {
    return std::any_of(given_.begin(), given_.end(),
                       [&](const auto& it) { return it.first == name; });
  }
  const std::vector<std::pair<std::string, std::string>>& given() const { return given_; }

 private:
  bool has_option_behind(std::size_t at) const {
    return std::any_of(words_.begin() + static_cast<std::ptrdiff_t>(at), words_.end(),
                       [](const auto& word) { return word.size() > 1 && word[0] == '-'; });
  }

  Error unknown(const std::string& word) const {
    return Error{words_[0] + " " + base::printable(masked(word), 60) + " is not known here"};
  }

  Result<bool> take(std::string name, std::string value) {
    const bool more = !has_word(kRunsNothing, name);
    given_.emplace_back(std::move(name), std::move(value));
    return more;
  }

  Result<bool> next_value(const std::string& name, int count) {
    std::string value;
    for (; count > 0; --count) {
      if (at_ + 1 >= words_.size()) return false;  // it complains, and runs nothing
      value = words_[++at_];
    }
    return take(name, std::move(value));
  }

  Result<bool> read_long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name =
        word.substr(word[1] == '-' ? 2 : 1,
                    equals == std::string::npos ? equals : equals - (word[1] == '-' ? 2 : 1));
    if (equals != std::string::npos) {
      for (const char* form : {"=", "?"})
        if (has_word(prefix_.longs, name + form)) return take(name, word.substr(equals + 1));
      return unknown(word);
    }
    if (has_word(prefix_.longs, name) || has_word(prefix_.longs, name + "?")) return take(name, "");
    if (has_word(prefix_.longs, name + "=")) return next_value(name, 1);
    if (has_word(prefix_.longs, name + "==")) return next_value(name, 2);
    return unknown(word);
  }

  Result<bool> read_shorts(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const auto found = std::string_view(":!").find(word[i]) != std::string_view::npos
                             ? std::string_view::npos
                             : prefix_.shorts.find(word[i]);
      if (found == std::string_view::npos) return unknown(word);
      const std::string name(1, word[i]);
      const auto colons = prefix_.shorts.substr(found + 1);
      if (colons.starts_with("::")) return take(name, word.substr(i + 1));
      if (colons.starts_with(":")) {
        if (i + 1 < word.size()) return take(name, word.substr(i + 1));
        return next_value(name, 1);
      }
      if (colons.starts_with("!")) return false;
      given_.emplace_back(name, "");
    }
    return true;
  }

  const Prefix& prefix_;
  const std::vector<std::string>& words_;
  std::size_t at_ = 1;
  std::vector<std::string> operands_;
  std::vector<std::pair<std::string, std::string>> given_;
};

// A whole number, or a duration as timeout(1) takes it.
bool is_number(std::string_view text) {
  if (text.starts_with("-")) text.remove_prefix(1);
  if (!text.empty() && std::string_view("smhd").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

Status check_number(const Arguments& given, std::string_view name) {
  std::string text = given.value("n");
  if (text.empty()) text = given.value("adjustment");
  if (!given.operands().empty()) text = given.operands()[0];
  if (text.empty() || is_number(text)) return Done{};
  return Error{std::string(name) + " with what is no number"};
}

// Source: strace(1), -E.
void apply_strace(const Arguments& given, Exec& exec) {
  for (const auto& [option, value] : given.given()) {
    if (option != "E" && option != "env") continue;
    const auto equals = value.find('=');
    if (equals == std::string::npos) exec.environment.erase(value);
    else exec.environment[value.substr(0, equals)] = value.substr(equals + 1);
  }
}

// gosu sets HOME only; runuser -u, for any user but root, USER and LOGNAME as well.
Status become_user(const base::RootFs& fs, const std::string& spec, bool login_names, Exec& exec) {
  auto user = find_user(fs, spec);
  if (!user) return std::move(user).error();
  exec.uid = user->uid;
  exec.environment["HOME"] = user->home.empty() ? "/" : user->home;
  if (login_names && user->uid != 0) {
    exec.environment["USER"] = user->name;
    exec.environment["LOGNAME"] = user->name;
  }
  return Done{};
}

// Source: util-linux, sys-utils/setpriv.c, do_reset_environ().
Status apply_setpriv(const base::RootFs& fs, const Arguments& given, Exec& exec) {
  std::string spec = given.value("reuid");
  if (spec.empty()) spec = given.value("ruid");
  std::optional<User> user;
  if (!spec.empty()) {
    auto found = find_user(fs, spec);
    if (!found) return std::move(found).error();
    user = *std::move(found);
    exec.uid = user->uid;
  }
  if (!given.has("reset-env")) return Done{};
  if (!user && exec.uid) {
    auto found = find_user(fs, std::to_string(*exec.uid));
    if (found) user = *std::move(found);
  }
  if (!user || user->name.empty()) return Error{"setpriv --reset-env of an unknown user"};
  const std::string term = base::variable(exec.environment, "TERM");
  exec.environment = {
      {"HOME", user->home},
      {"SHELL", user->shell.empty() ? "/bin/sh" : user->shell},
      {"USER", user->name},
      {"LOGNAME", user->name},
      {"PATH", user->uid != 0 ? "/usr/local/bin:/bin:/usr/bin"
                              : "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin"}};
  if (!term.empty()) exec.environment["TERM"] = term;
  return Done{};
}

// Source: coreutils, src/stdbuf.c: the library in its pkglibexecdir, behind those of LD_PRELOAD.
Status apply_stdbuf(const base::RootFs& fs, const Arguments& given, Exec& exec) {
  std::string library;
  for (const char* directory :
       {"/usr/libexec/coreutils", "/usr/lib/coreutils", "/usr/lib64/coreutils"})
    if (library.empty() && fs.is_file(base::join(directory, "libstdbuf.so")))
      library = base::join(directory, "libstdbuf.so");
  if (library.empty()) return Error{"stdbuf: where its library lies is not known"};
  std::string& preload = exec.environment["LD_PRELOAD"];
  preload = preload.empty() ? library : preload + ":" + library;
  constexpr std::string_view kModes[][2] = {{"i", "input"}, {"o", "output"}, {"e", "error"}};
  bool has_mode = false;
  for (const auto& [letter, name] : kModes) {
    std::string mode = given.value(letter);
    if (mode.empty()) mode = given.value(name);
    if (mode.empty()) continue;
    const std::string variable = std::string("_STDBUF_") + static_cast<char>(letter[0] - 32);
    // A size is written as its bytes.
    if (mode == "0" || (mode == "L" && letter != "i")) exec.environment[variable] = mode;
    else if (mode[0] < '1' || mode[0] > '9') return Error{"stdbuf of an unknown mode"};
    else exec.unknown_variables.insert(variable);
    has_mode = true;
  }
  if (!has_mode) return Error{"stdbuf without a mode"};
  return Done{};
}

Status apply_mpi(const Arguments& given, Exec& exec) {
  for (const auto& [option, value] : given.given()) {
    if (option != "x") continue;
    const auto equals = value.find('=');
    if (equals != std::string::npos)
      exec.environment[value.substr(0, equals)] = value.substr(equals + 1);
  }
  for (const char* name : {"OMPI_*", "PMIX_*", "PMI_*", "SLURM_*"})
    exec.unknown_variables.insert(name);
  return Done{};
}

// Everything before --args is gdb's own; without it gdb asks a person, or its scripts, what to do.
Result<std::optional<Exec>> behind_gdb(const base::RootFs& fs, const Exec& exec) {
  const auto& words = exec.argv;
  if (!base::variable(exec.environment, "BASH_ENV").empty())
    return Error{"gdb, whose shell reads BASH_ENV"};
  if (words.size() == 2 && has_word(" --version -v --help -h ", words[1]))
    return std::optional<Exec>();
  for (std::size_t at = 1; at + 1 < words.size(); ++at) {
    if (words[at] != "--args" && words[at] != "-args") continue;
    Exec next = exec;
    next.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    auto program =
        find_program(fs, next.argv[0], search_path_of(exec.environment), exec.working_directory);
    if (!program) return std::move(program).error();
    const auto file = fs.open_file(*program);
    if (!file || !file->read_text(0, 4).value_or("").starts_with("\x7f"
                                                                 "ELF"))
      return Error{"gdb of " + base::printable(*program, 80) + ", which is no ELF file"};
    // Source: gdb_realpath_keepfile(): of a link, its own name in its real directory.
    const std::string directory(base::parent(*program));
    next.argv[0] = base::join(fs.resolve(directory).value_or(directory), base::basename(*program));
    next.unknown_variables.insert({"LINES", "COLUMNS"});
    pass_a_shell(next);
    return std::optional<Exec>(std::move(next));
  }
  return Error{"gdb without --args"};
}

// nsys profile|launch, then options that have their value behind '=', or are a letter with the next
// word.
Result<std::optional<Exec>> behind_nsys(const Exec& exec) {
  const auto& words = exec.argv;
  if (words.size() < 2 || (words[1] != "profile" && words[1] != "launch"))
    return std::optional<Exec>();
  std::size_t at = 2;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    if (words[at] == "--help" || words[at] == "-h") return std::optional<Exec>();
    if (!words[at].starts_with("--") && words[at].size() == 2) ++at;
    else if (words[at].find('=') == std::string::npos)
      return Error{"nsys " + base::printable(masked(words[at]), 60) + " is not known here"};
  }
  if (at >= words.size()) return std::optional<Exec>();
  Exec next = exec;
  next.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  next.unknown_variables.insert({"NSYS_*", "CUDA_INJECTION64_PATH"});
  return std::optional<Exec>(std::move(next));
}

Status apply_effect(const base::RootFs& fs, const Prefix& prefix, const Arguments& given,
                    Exec& next) {
  switch (prefix.effect) {
    case Effect::kUser:
      if (given.operands().empty()) return Done{};
      return become_user(fs, given.operands()[0], /*login_names=*/false, next);
    case Effect::kSetpriv:
      return apply_setpriv(fs, given, next);
    case Effect::kRunuser: {
      std::string user = given.value("u");
      if (user.empty()) user = given.value("user");
      if (user.empty()) return Error{"runuser without -u starts a shell of that user"};
      return become_user(fs, user, /*login_names=*/true, next);
    }
    case Effect::kStdbuf:
      return apply_stdbuf(fs, given, next);
    case Effect::kDisplay:
      next.unknown_variables.insert({"DISPLAY", "XAUTHORITY"});
      return Done{};
    case Effect::kMpi:
      return apply_mpi(given, next);
    case Effect::kDirectory:
      next.unknown_variables.insert({"NV_*", "CUDA_INJECTION64_PATH"});
      return Done{};
    case Effect::kStrace:
      apply_strace(given, next);
      return Done{};
    case Effect::kNone:
    case Effect::kNumber:
    case Effect::kPermutes:
    case Effect::kShell:
    case Effect::kGdb:
    case Effect::kNotKnowable:
      break;
  }
  return Done{};
}

}  // namespace

void pass_a_shell(Exec& exec) {
  for (const char* name : {"PWD", "OLDPWD", "SHLVL", "_"}) {
    exec.environment.erase(name);
    exec.unknown_variables.insert(name);
  }
}

bool is_exec_prefix(std::string_view name, bool script) {
  const Prefix* prefix = find_prefix(name);
  return prefix != nullptr && prefix->script == script;
}

Result<std::optional<Exec>> apply_exec_prefix(const base::RootFs& fs, std::string_view name,
                                              const Exec& exec) {
  const Prefix& prefix = *find_prefix(name);
  if (prefix.effect == Effect::kNotKnowable)
    return Error{std::string(name) + ", which decides by rules of its own what runs, and as whom"};
  if (prefix.effect == Effect::kGdb) return behind_gdb(fs, exec);
  if (name == "nsys") return behind_nsys(exec);
  Arguments arguments(prefix, exec);
  const auto runs = arguments.read();
  if (!runs) return runs.error();
  if (prefix.effect == Effect::kNumber) {
    const Status checked = check_number(arguments, name);
    if (!checked) return checked.error();
  }
  if (!*runs && prefix.effect == Effect::kShell && !arguments.ended())
    return Error{std::string(name) + " without a command, which starts a shell"};
  if (!*runs) return std::optional<Exec>();
  Exec next = exec;
  next.argv = arguments.command();
  const Status applied = apply_effect(fs, prefix, arguments, next);
  if (!applied) return applied.error();
  return std::optional<Exec>(std::move(next));
}

}  // namespace gpuinit::image
