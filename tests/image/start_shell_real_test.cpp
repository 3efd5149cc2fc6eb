// Shells followed against the same shells run: the same program with the same arguments,
// environment and directory, or unclear. Never another one.
#include "image/start_shell_real.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

namespace gpuinit::image {
namespace {

using base::Environment;
using test::difference;
using test::run_real;
using Words = std::vector<std::string>;

struct Text {
  const char* text;
  // F: must be followed; -: may be unclear; U: must be unclear. Of bash, of dash; ' ': not run.
  char bash;
  char dash;
  bool may_fail = false;
};

constexpr Text kTexts[] = {
#include "image/start_shell_texts.inc"
};

class RealShell : public testing::Test {
 protected:
  RealShell() {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    for (const char* name : test::kStubs) tree_.link(std::string("bin/") + name, self);
    tree_.link("venv/bin/python", self);
    tree_.file("w/a.py").file("w/b.py").file("w/with space.txt", "x").file("w/empty");
    tree_.file("w/lib.sh", "export FROM_LIB=1\nlib_function() { echo in lib; }\n");
    tree_.file("w/args.sh", "export GOT=\"$*\"\nset -- changed\n");
    tree_.file("w/return.sh", "export R=1\nreturn 3\nexport R=2\n");
    tree_.file("w/version", "1.2.3\n");
    tree_.file("parts/10-a.sh", "export A=10\n").file("parts/20-b.sh", "B=20\nexport C=$A$B\n");
    tree_.file("parts/30-c.txt", "not a script\n");
    tree_.directory("w/dir").directory("empty");
    tree_.link("link", "w/dir");
    tree_.file("venv/bin/activate", R"(# of a venv
deactivate () {
    if [ -n "${_OLD_VIRTUAL_PATH:-}" ] ; then
        PATH="${_OLD_VIRTUAL_PATH:-}"
        export PATH
        unset _OLD_VIRTUAL_PATH
    fi
    if [ -n "${BASH:-}" -o -n "${ZSH_VERSION:-}" ] ; then
        hash -r 2> /dev/null
    fi
    unset VIRTUAL_ENV
    if [ ! "${1:-}" = "nondestructive" ] ; then
        unset -f deactivate
    fi
}
deactivate nondestructive
VIRTUAL_ENV=")" + tree_.root() + R"(/venv"
export VIRTUAL_ENV
_OLD_VIRTUAL_PATH="$PATH"
PATH="$VIRTUAL_ENV/bin:$PATH"
export PATH
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT:-}" ] ; then
    _OLD_VIRTUAL_PS1="${PS1:-}"
    PS1="(venv) ${PS1:-}"
    export PS1
fi
)");
    environment_ = {{"PATH", tree_.root() + "/bin:/usr/local/bin:/usr/bin:/bin"},
                    {"HOME", tree_.root() + "/home"},
                    {"ROOT", tree_.root()},
                    {"MODEL", "some/model"},
                    {"EMPTY", ""},
                    {"SPACED", "a  b c"}};
    tree_.directory("home");
  }

  std::string follow_and_run(const Words& argv, bool may_fail, bool& followed) {
    const auto fs = base::RootFs::open("/");
    Exec exec;
    exec.argv = argv;
    exec.environment = environment_;
    exec.working_directory = tree_.root() + "/w";
    exec.uid = ::getuid();
    const auto outcome = follow_shell(*fs, "/usr/bin/" + argv[0], exec);
    followed = outcome.ok();
    why_ = outcome ? "" : outcome.error().message;
    if (!followed) return "";
    const auto real = run_real(argv, environment_, exec.working_directory);
    return difference(outcome, real, *fs, may_fail);
  }

  gpuinit::test::Tree tree_;
  Environment environment_;
  std::string why_;
};

TEST_F(RealShell, DoesWhatWasFollowed) {
  int count = 0;
  int unclear = 0;
  for (const auto& each : kTexts)
    for (const char* shell : {"bash", "dash"}) {
      const char expected = std::string(shell) == "bash" ? each.bash : each.dash;
      if (expected == ' ') continue;
      tree_.file("w/script.sh", each.text);
      for (const Words& argv : {Words{shell, "-c", each.text, "name", "one", "two words"},
                                Words{shell, "script.sh", "one", "two words"},
                                Words{shell, "-e", "./script.sh", "one", "two words"}}) {
        bool followed = false;
        const std::string different =
            follow_and_run(argv, each.may_fail || argv[1] == "-e", followed);
        EXPECT_EQ(different, "") << shell << " " << argv[1] << ": " << each.text;
        if (argv[1] != "-e" && expected == 'F') {
          EXPECT_TRUE(followed) << shell << ": " << each.text << "\n" << why_;
        }
        if (expected == 'U') {
          EXPECT_FALSE(followed) << shell << ": " << each.text;
        }
        ++count;
        if (!followed) ++unclear;
      }
    }
  std::cout << std::size(kTexts) << " texts, " << count << " runs, " << unclear << " unclear\n";
}

TEST_F(RealShell, ReadsTheProfilesOfThisMachine) {
  std::error_code ignored;
  for (const char* name : {".profile", ".bashrc", ".bash_profile"})
    std::filesystem::copy_file(std::string("/etc/skel/") + name, tree_.at("home") / name, ignored);
  tree_.file("env.sh", "export FROM_BASH_ENV=1\n");
  for (const char* bash_env : {"", "/env.sh"}) {
    if (*bash_env != '\0') environment_["BASH_ENV"] = tree_.root() + bash_env;
    for (const Words& argv : {Words{"bash", "-lc", "$ROOT/bin/vllm serve"},
                              {"bash", "--login", "-c", "exec $ROOT/bin/vllm"},
                              {"dash", "-lc", "$ROOT/bin/vllm \"$PS1\""},
                              {"bash", "-c", "$ROOT/bin/vllm"},
                              {"dash", "-c", "exec $ROOT/bin/vllm"},
                              {"bash", "--noprofile", "-lc", "vllm serve"},
                              {"bash", "--posix", "-c", "vllm"}}) {
      bool followed = false;
      EXPECT_EQ(follow_and_run(argv, false, followed), "") << argv[0] << " " << argv[1];
      if (argv[1] != "--posix" && argv[2].find("PS1") == std::string::npos) {
        EXPECT_TRUE(followed) << argv[0] << " " << argv[1] << ": " << why_;
      }
    }
  }
}

TEST_F(RealShell, ActivatesWhatVenvAndUvMake) {
  const std::string venv = tree_.root() + "/real-venv";
  const std::string by_uv = tree_.root() + "/uv-venv";
  ASSERT_EQ(gpuinit::test::run_program({"python3", "-m", "venv", "--without-pip", venv}).exit_code,
            0);
  std::vector<std::string> venvs{venv};
  if (gpuinit::test::run_program({"uv", "venv", "--offline", by_uv}).exit_code == 0)
    venvs.push_back(by_uv);
  for (const auto& each : venvs)
    for (const char* shell : {"bash", "dash"})
      for (const char* options : {"-c", "-euc", "-ec"})
        for (const char* text : {"exec vllm serve", "vllm; deactivate", "deactivate; exec vllm"}) {
          bool followed = false;
          const std::string script = ". " + each + "/bin/activate\n" + text;
          EXPECT_EQ(follow_and_run({shell, options, script}, true, followed), "")
              << shell << options << ": " << script;
          EXPECT_TRUE(followed) << shell << " " << options << ": " << script << "\n" << why_;
        }
}

// Random scripts of what start scripts are made of.
class Composer {
 public:
  explicit Composer(unsigned seed) : random_(seed) {}

  std::string script() {
    std::string text;
    if (one_in(6))
      text += pick({"set -e\n", "set -u\n", "set -a\n", "set -eu\n", "set -x\n", "IFS=:\n"});
    const int count = 1 + below(5);
    for (int at = 0; at < count; ++at) text += statement(0) + "\n";
    return text + ending() + "\n";
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  std::string pick(std::initializer_list<const char*> list) {
    return *(list.begin() + below(static_cast<int>(list.size())));
  }

  std::string name() {
    return pick({"A", "B", "MODEL", "X", "LIST", "EMPTY", "PATH", "HOME", "PWD"});
  }
  std::string new_name() { return pick({"A", "B", "C", "X", "LIST", "EMPTY", "MODEL"}); }

  std::string piece() {
    switch (below(22)) {
      case 0:
        return "$" + name();
      case 1:
        return "${" + name() + "}";
      case 2:
        return "\"$" + name() + "\"";
      case 3:
        return "${" + name() + ":-" + pick({"d", "\"d e\"", "$X", "a b", ""}) + "}";
      case 4:
        return "${" + name() + pick({":+", "+", "-"}) + pick({"yes", "\"y z\"", "$A"}) + "}";
      case 5:
        return "\"${" + name() + pick({":-", ":+", "-"}) + pick({"d", "d e", "$A", "\\$"}) + "}\"";
      case 6:
        return "${" + name() + pick({"#", "##", "%", "%%"}) +
               pick({"*/", "/*", "?", "*", "a*", "[a-z]", "\"*\"", "$A"}) + "}";
      case 7:
        return pick({"$1", "$2", "$3", "\"$1\"", "\"$2\"", "$#", "$?", "$0"});
      case 8:
        return pick({"\"$@\"", "$@", "$*", "\"$*\"", "\"x$@\""});
      case 9:
        return "$(echo " + word() + ")";
      case 10:
        return "\"$(" +
               pick({"echo a b", "dirname /a/b", "pwd", "printf '%s' q", "basename \"$PWD\"",
                     "command -v python", "cat version", "cd dir && pwd"}) +
               ")\"";
      case 11:
        return pick({"$((1 + 2))", "$(( 7 % 4 * 2 ))", "$(($# + 1))"});
      case 12:
        return pick({"'single $A'", "\"dou ble\"", "\\$A", "a\\ b", "''", "\"\"", "\"\\\"q\\\"\""});
      case 13:
        return pick({"*.py", "d*", "?.py", "[ab].py", "no*", "\"*\"", "with*"});
      case 14:
        return pick({"~", "~/x", "a~", "\"~\""});
      case 15:
        return "`echo " + pick({"tick", "\\$A", "a b"}) + "`";
      case 16:
        return "${#" + name() + "}";
      case 17:
        return pick({"--flag", "--port=80", "-x", "a=b", "a:b", "x/y", "a.py", "b.py"});
      case 18:
        return pick({"$(date)", "\"$(date)\"", "$UNSET", "\"$UNSET\"", "$(id -u)", "$(false)"});
      default:
        return pick({"a", "b", "word", "1", "2", "some/model", "dir", "a.py"});
    }
  }
  std::string word() {
    std::string text = piece();
    while (one_in(4)) text += piece();
    return text;
  }
  std::string words() {
    std::string text = word();
    while (one_in(2)) text += " " + word();
    return text;
  }

  std::string condition() {
    switch (below(13)) {
      case 0:
        return "[ -n \"$" + name() + "\" ]";
      case 1:
        return "[ -z \"${" + name() + ":-}\" ]";
      case 2:
        return "[ \"$" + name() + "\" " + pick({"=", "!="}) + " " +
               pick({"a", "1", "\"\"", "\"$A\"", "some/model"}) + " ]";
      case 3:
        return "[ " + pick({"-f", "-d", "-e", "-s", "-r", "-x"}) + " " +
               pick({"a.py", "dir", "nope", "version", "empty", "\"$X\""}) + " ]";
      case 4:
        return "[ $# " + pick({"-eq", "-gt", "-lt", "-ne"}) + " " + pick({"0", "1", "2", "3"}) +
               " ]";
      case 5:
        return pick({"true", "false", "! true", "! false"});
      case 6:
        return "command -v " + pick({"python", "nope", "ls", "cd"}) + " >/dev/null 2>&1";
      case 7:
        return "grep -q " + pick({"root", "nobody-like-this"}) + " /etc/passwd";
      case 8:
        return condition_list();
      case 9:
        return "test " +
               pick({"1", "\"$1\"", "\"$EMPTY\"", "! \"$A\"", "x = x", "a -o b", "-n x -a -z x"});
      case 10:
        return pick({"f one", "g", "cd dir", "cd nope 2>/dev/null"});
      case 11:
        return "[ " + word() + " = " + word() + " ] 2>/dev/null";
      default:
        return "case $" + name() + " in *o*) true;; *) false;; esac";
    }
  }
  std::string condition_list() {
    return "{ " + pick({"true", "false", "[ -n \"$A\" ]"}) + pick({" && ", " || "}) +
           pick({"true", "false", "[ -f a.py ]"}) + "; }";
  }

  std::string statement(int depth) {
    switch (below(depth < 3 ? 26 : 14)) {
      case 0:
      case 1:
        return new_name() + "=" + word();
      case 2:
        return "export " + new_name() + "=" +
               pick({"1", "\"$A\"", "'x y'", "\"$(echo e)\"", "\"${X:-d}\"", "\"$(date)\""});
      case 3:
        return pick(
            {"unset A", "unset MODEL", "export A", "export A X", "readonly R=1", "unset -f g"});
      case 4:
        return pick({"cd dir", "cd ..", "cd /", "cd \"$ROOT/w\"", "cd \"$ROOT/link\"", "cd -", "cd",
                     "cd nope", "(cd dir)"});
      case 5:
        return pick({"shift", "set -- "}) == std::string("shift") ? "[ $# -gt 0 ] && shift"
                                                                  : "set -- " + words();
      case 6:
        return "echo " + words();
      case 7:
        return pick({":", "true", "sleep 0", "ls >/dev/null", "hash -r", "umask 022",
                     "ulimit -n 512", "true &"});
      case 8:
        return ": " + words();
      case 9:
        return pick({". ./lib.sh", ". ./return.sh", ". \"$ROOT/venv/bin/activate\"",
                     "[ -f ./nope.sh ] && . ./nope.sh"});
      case 10:
        return "eval \"" +
               pick({"A=1", "export E=2", "echo hi", "set -- e f", "A=\\$MODEL", "B=$A"}) + "\"";
      case 11:
        return pick({"PATH=$ROOT/venv/bin:$PATH", "export PATH=\"$ROOT/venv/bin:$PATH\"",
                     "PATH=\"$PATH:/x\"", "HOME=/tmp"});
      case 12:
        return new_name() + "=" + pick({"1", "2", "a"}) + " " + new_name() + "=" + word();
      case 13:
        return pick({"set -f", "set +f", "set +e", "set +u", "trap 'echo t' EXIT", "trap '' INT",
                     "exec 2>/dev/null", "exec </dev/null"});
      case 14:
      case 15:
      case 16:
        return "if " + condition() + "; then " + body(depth) + "; " +
               (one_in(2) ? "else " + body(depth) + "; " : "") + "fi";
      case 17:
        return condition() + pick({" && ", " || "}) + "{ " + body(depth) + "; }";
      case 18:
        return "case " + word() + " in " +
               pick({"a*", "[a-m]*", "one|two", "\"$A\"", "''", "*/*"}) + ") " + body(depth) +
               ";; *) " + body(depth) + ";; esac";
      case 19:
        return "for " + pick({"i", "A", "X"}) + " in " + words() + "; do " + body(depth) + "; " +
               (one_in(3) ? condition() + " && " + pick({"break", "continue"}) + "; " : "") +
               "done";
      case 20:
        return "for p in \"$@\"; do " + body(depth) + "; done";
      case 21:
        return "f() { " + body(depth) + "; " +
               (one_in(3) ? condition() + pick({" && ", " || "}) +
                                pick({"return 1", "return", "return 0"}) + "; "
                          : "") +
               body(depth) + "; }";
      case 22:
        return "g() { A=$1; B=\"$*\"; }\ng " + words();
      case 23:
        return "(" + body(depth) + ")";
      case 24:
        return "while [ $# -gt " + pick({"0", "1"}) + " ]; do " + body(depth) + "; shift; done";
      default:
        return "{ " + body(depth) + "; } " + pick({"", ">/dev/null", "2>&1"});
    }
  }
  std::string body(int depth) {
    std::string text = one_in(14) ? ending() : statement(depth + 1);
    if (one_in(3)) text += "\n" + statement(depth + 1);
    return text;
  }

  std::string ending() {
    switch (below(9)) {
      case 0:
      case 1:
        return "exec python " + words();
      case 2:
        return "python " + words();
      case 3:
        return "exec python \"$@\"";
      case 4:
        return "python \"$A\" \"$B\" \"$X\" \"$LIST\" \"$PWD\" \"$#\" \"$@\"; echo done";
      case 5:
        return new_name() + "=" + word() + " python a.py " + word();
      case 6:
        return "set -- python \"$@\"; \"$@\"";
      case 7:
        return "exec \"python\" a.py $*";
      default:
        return pick({"exit 3", "vllm serve \"$MODEL\"", "python a.py || exit 1",
                     "(exec python a.py $A)", "python a.py | cat"});
    }
  }

  std::mt19937 random_;
};

TEST_F(RealShell, DoesWhatWasFollowedOfRandomScripts) {
  const char* more = std::getenv("GPUINIT_SHELL_SCRIPTS");
  const unsigned scripts = more == nullptr ? 2000 : static_cast<unsigned>(std::atoi(more));
  const char* first = std::getenv("GPUINIT_SHELL_SEED");
  const unsigned seed = first == nullptr ? 1 : static_cast<unsigned>(std::atoi(first));
  unsigned followed_count = 0;
  for (unsigned at = 0; at < scripts; ++at) {
    const std::string text = Composer(seed + at).script();
    const std::string shell = at % 2 == 0 ? "bash" : "dash";
    bool followed = false;
    const std::string different =
        follow_and_run({shell, "-c", text, "name", "one", "two words"}, true, followed);
    EXPECT_EQ(different, "") << "seed " << seed + at << ", " << shell << ":\n" << text;
    if (followed) ++followed_count;
  }
  std::cout << followed_count << " of " << scripts << " followed\n";
  EXPECT_GT(followed_count, scripts / 5);
}

}  // namespace
}  // namespace gpuinit::image
