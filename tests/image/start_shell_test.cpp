// Shells followed in images: how they start, what is unclear and where, and scripts of the shape
// that published images have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/start/shell/follow_shell.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;
using Kind = ShellOutcome::Kind;

class StartShell : public testing::Test {
 protected:
  StartShell() {
    tree_.executable("usr/bin/bash").executable("usr/bin/dash").executable("usr/bin/zsh");
    tree_.link("bin/sh", "../usr/bin/dash").executable("usr/bin/python").directory("srv");
    for (const char* name : {"dirname", "readlink", "id", "uname", "cat", "mkdir"})
      tree_.executable(std::string("usr/bin/") + name);
    tree_.executable("usr/bin/ray").executable("usr/bin/vllm").executable("usr/bin/launcher");
  }

  Result<ShellOutcome> follow(Words argv, const std::string& path = "/usr/bin/bash") {
    const auto fs = base::RootFs::open(tree_.root());
    Exec exec;
    exec.argv = std::move(argv);
    exec.environment = environment_;
    exec.unknown_variables = unknown_;
    exec.working_directory = "/srv";
    exec.uid = uid_;
    return follow_shell(*fs, path, exec);
  }
  Result<ShellOutcome> text(const std::string& script, Words arguments = {}) {
    Words argv{"bash", "-c", script, "bash"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return follow(argv);
  }
  Result<ShellOutcome> script(const std::string& content, Words arguments = {}) {
    tree_.executable("entry.sh", content);
    Words argv{"/bin/bash", "/entry.sh"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return follow(argv);
  }
  static Words argv(const Result<ShellOutcome>& outcome) {
    if (!outcome) return {"unclear: " + outcome.error().message};
    if (outcome->kind != Kind::kRuns)
      return {outcome->kind == Kind::kEnds ? "ends" : "interactive"};
    return outcome->exec.argv;
  }
  static std::string why(const Result<ShellOutcome>& outcome) {
    return outcome ? "followed" : outcome.error().message;
  }

  test::Tree tree_;
  base::Environment environment_{{"PATH", "/usr/bin:/bin"}, {"HOME", "/root"}};
  std::set<std::string> unknown_;
  std::optional<unsigned> uid_ = 0;
};

TEST_F(StartShell, NamesAreThoseOfShells) {
  for (const char* name : {"sh", "/bin/bash", "/usr/bin/dash", "-bash", "zsh", "/bin/ash"})
    EXPECT_TRUE(is_shell_name(name)) << name;
  for (const char* name : {"fish", "python", "bashful", "busybox", ""})
    EXPECT_FALSE(is_shell_name(name)) << name;
}

TEST_F(StartShell, OptionsComeInEveryOrder) {
  for (const Words& argv_ : {Words{"bash", "-c", "python $1", "x", "a"},
                             {"bash", "-ec", "python $1", "x", "a"},
                             {"bash", "-c", "--", "python $1", "x", "a"},
                             {"bash", "-eux", "-o", "pipefail", "-c", "python $1", "x", "a"},
                             {"bash", "--noprofile", "--norc", "-c", "python $1", "x", "a"},
                             {"bash", "-O", "nullglob", "-c", "python $1", "x", "a"},
                             {"bash", "+x", "-c", "python $1", "x", "a"},
                             {"bash", "-euxo", "pipefail", "-c", "python $1", "x", "a"}})
    EXPECT_THAT(argv(follow(argv_)), ElementsAre("python", "a")) << argv_[1];
  EXPECT_THAT(why(follow({"bash", "--rcfile", "x", "-c", "python"})),
              HasSubstr("bash (`--rcfile`)"));
  EXPECT_THAT(why(follow({"bash", "-c"})), HasSubstr("without a text"));
  EXPECT_THAT(why(follow({"bash", "-ic", "python"})), HasSubstr("interactive"));
}

TEST_F(StartShell, WithoutAScriptIsInteractive) {
  for (const Words& argv_ :
       {Words{"bash"}, {"bash", "-l"}, {"sh", "-s", "x"}, {"bash", "-i"}, {"-bash"}})
    EXPECT_EQ(follow(argv_)->kind, Kind::kInteractive);
}

TEST_F(StartShell, OtherShellsAreUnclear) {
  EXPECT_THAT(why(follow({"zsh", "-c", "python"}, "/usr/bin/zsh")), HasSubstr("zsh"));
}

TEST_F(StartShell, ScriptIsFoundAsTheShellFindsIt) {
  tree_.file("srv/run.sh", "python here").file("usr/bin/other.sh", "python on-path");
  EXPECT_THAT(argv(follow({"bash", "run.sh"})), ElementsAre("python", "here"));
  EXPECT_THAT(argv(follow({"bash", "./run.sh"})), ElementsAre("python", "here"));
  EXPECT_FALSE(follow({"bash", "nope.sh"}).ok());
  EXPECT_FALSE(follow({"dash", "other.sh"}, "/usr/bin/dash").ok());
}

TEST_F(StartShell, LoginReadsTheProfiles) {
  tree_.file("etc/profile",
             "export FROM=profile\nPATH=/opt/bin:$PATH\nfor i in /etc/profile.d/*.sh; do\n  if [ "
             "-r $i ]; then\n    . $i\n  fi\ndone\nunset i\n");
  tree_.file("etc/profile.d/cuda.sh", "export CUDA_HOME=/usr/local/cuda\n");
  tree_.file("root/.profile", "export NEVER=1\n").file("root/.bash_profile", "export MINE=1\n");
  const auto outcome = follow({"bash", "-lc", "python"});
  ASSERT_THAT(argv(outcome), ElementsAre("python"));
  EXPECT_EQ(outcome->exec.environment.at("FROM"), "profile");
  EXPECT_EQ(outcome->exec.environment.at("PATH"), "/opt/bin:/usr/bin:/bin");
  EXPECT_EQ(outcome->exec.environment.at("CUDA_HOME"), "/usr/local/cuda");
  EXPECT_EQ(outcome->exec.environment.at("MINE"), "1");
  EXPECT_EQ(outcome->exec.environment.count("NEVER"), 0U);
  EXPECT_EQ(follow({"bash", "--noprofile", "-lc", "python"})->exec.environment.count("FROM"), 0U);
  EXPECT_EQ(follow({"sh", "-lc", "python"}, "/bin/sh")->exec.environment.count("NEVER"), 1U);
  environment_.erase("HOME");
  EXPECT_THAT(why(follow({"bash", "-lc", "python"})), HasSubstr("`HOME`"));
}

TEST_F(StartShell, BashReadsBashEnvUnlessItIsSh) {
  tree_.file("etc/shinit", "export SHINIT=1\n");
  environment_["BASH_ENV"] = "/etc/shinit";
  EXPECT_EQ(text("python")->exec.environment.count("SHINIT"), 1U);
  EXPECT_EQ(text("python")->steps.at(0).what, "source /etc/shinit");
  EXPECT_EQ(follow({"sh", "-c", "python"})->exec.environment.count("SHINIT"), 0U);
  EXPECT_EQ(follow({"sh", "-c", "python"}, "/bin/sh")->exec.environment.count("SHINIT"), 0U);
}

TEST_F(StartShell, SaysWhereItIsUnclear) {
  EXPECT_EQ(why(script("#!/bin/bash\n\neval \"$(date)\"\n")),
            "/entry.sh:3 (`eval` of something unknown)");
  EXPECT_EQ(why(text("python $(date)")), "bash -c (`python` with an argument that is unknown)");
  EXPECT_EQ(why(script("pip install x\nexec python\n")),
            "/entry.sh:1 (`pip` runs before something else)");
  EXPECT_EQ(why(script("a=1\nexport LD_LIBRARY_PATH=$(date)\nexec python\n")),
            "/entry.sh:2 (`LD_LIBRARY_PATH` is unknown from here on)");
  EXPECT_EQ(why(script("if nc -z x 1; then\n cd /\nfi\npython\n")),
            "/entry.sh:1 (the working directory is unknown from here on)");
  EXPECT_EQ(why(script("set -e\nfalse\npython\n")),
            "/entry.sh:2 (fails under `set -e`): it stops there");
  EXPECT_EQ(why(script("if true; then\n")), "/entry.sh:2 (a syntax that is not understood here)");
}

TEST_F(StartShell, PlaceAndStepsAreOfTheProgram) {
  tree_.file("opt/env.sh", "export A=1\n");
  const auto outcome = script(". /opt/env.sh\n\nexec python \"$@\"\n", {"x", "y z"});
  EXPECT_THAT(argv(outcome), ElementsAre("python", "x", "y z"));
  EXPECT_EQ(outcome->place, "/entry.sh:3");
  ASSERT_EQ(outcome->steps.size(), 1U);
  EXPECT_EQ(outcome->steps[0], (StartStep{"source /opt/env.sh", "", "/entry.sh:1"}));
}

TEST_F(StartShell, UnknownOfTheEnvironmentStaysUnknown) {
  unknown_ = {"TOKEN"};
  EXPECT_TRUE(text("exec python")->exec.unknown_variables.count("TOKEN"));
  EXPECT_FALSE(text("exec python $TOKEN").ok());
  EXPECT_FALSE(text("TOKEN=1; exec python $TOKEN")->exec.unknown_variables.count("TOKEN"));
}

TEST_F(StartShell, WithoutAPathNothingIsFound) {
  environment_.erase("PATH");
  EXPECT_FALSE(text("python").ok());
  EXPECT_THAT(argv(text("exec /usr/bin/python")), ElementsAre("/usr/bin/python"));
}

TEST_F(StartShell, BoundsHold) {
  EXPECT_FALSE(text("while :; do A=$A$A$A.; done; python").ok());
  EXPECT_FALSE(text("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; python").ok());
  EXPECT_FALSE(text(std::string(300'000, '#') + "\npython").ok());
  std::string deep = "python";
  for (int at = 0; at < 500; ++at) deep = "(" + deep + ")";
  EXPECT_FALSE(text(deep).ok());
  deep = "python";
  for (int at = 0; at < 500; ++at) deep = "echo $(" + deep + ")";
  EXPECT_FALSE(text(deep + "; exec python $A$(" + deep + ")").ok());
  deep.clear();
  for (int at = 0; at < 3000; ++at) deep += "${a:-$((";
  EXPECT_FALSE(text(deep).ok());
  EXPECT_FALSE(text("f() { f; f; }; f; python").ok());
  tree_.file("self.sh", ". /self.sh\n");
  EXPECT_FALSE(text(". /self.sh; python").ok());
}

TEST_F(StartShell, CondaIsActivatedByWhatItDoes) {
  tree_.executable("opt/conda/bin/conda")
      .directory("opt/conda/conda-meta")
      .directory("opt/conda/envs/ml/conda-meta");
  tree_.file("opt/conda/envs/ml/etc/conda/activate.d/cuda.sh", "export CUDA_HOME=$CONDA_PREFIX\n");
  tree_.file("opt/conda/etc/profile.d/conda.sh", R"sh(export CONDA_EXE='/opt/conda/bin/conda'
__conda_activate() {
    eval "$("$CONDA_EXE" shell.posix "$@")"
}
conda() {
    \local cmd="${1-__missing__}"
    case "$cmd" in
        activate) __conda_activate "$@" ;;
    esac
}
if [ -z "${CONDA_SHLVL+x}" ]; then
    \export CONDA_SHLVL=0
    PATH="$(\dirname "$(\dirname "$CONDA_EXE")")/condabin${PATH:+":${PATH}"}"
    \export PATH
    if [ -z "${PS1+x}" ]; then
        PS1=
    fi
fi
)sh");
  tree_.file("opt/conda/bin/activate",
             "#!/bin/sh\n_CONDA_ROOT=\"/opt/conda\"\n\\. \"$_CONDA_ROOT/etc/profile.d/conda.sh\" "
             "|| return $?\nconda activate \"$@\"\n");
  for (const char* text_ :
       {"source /opt/conda/etc/profile.d/conda.sh && conda activate ml && python",
        ". /opt/conda/bin/activate ml; python",
        "source /opt/conda/etc/profile.d/conda.sh; conda activate /opt/conda/envs/ml; exec "
        "python"}) {
    const auto outcome = text(text_);
    ASSERT_THAT(argv(outcome), ElementsAre("python")) << text_;
    EXPECT_EQ(outcome->exec.environment.at("PATH"),
              "/opt/conda/envs/ml/bin:/opt/conda/condabin:/usr/bin:/bin");
    EXPECT_EQ(outcome->exec.environment.at("CONDA_PREFIX"), "/opt/conda/envs/ml");
    EXPECT_EQ(outcome->exec.environment.at("CONDA_DEFAULT_ENV"), "ml");
    EXPECT_EQ(outcome->exec.environment.at("CONDA_SHLVL"), "1");
    EXPECT_EQ(outcome->exec.environment.at("CUDA_HOME"), "/opt/conda/envs/ml");
  }
  const auto hooked =
      text("eval \"$(/opt/conda/bin/conda shell.bash hook)\"; conda activate ml; python");
  ASSERT_THAT(argv(hooked), ElementsAre("python"));
  EXPECT_EQ(hooked->exec.environment.at("PATH"),
            "/opt/conda/envs/ml/bin:/opt/conda/condabin:/usr/bin:/bin");
  EXPECT_EQ(hooked->exec.environment.at("CONDA_SHLVL"), "2");
  EXPECT_THAT(why(text(". /opt/conda/bin/activate nope; python")),
              HasSubstr("environment nope does not exist"));
}

// --- Scripts of the shape that published images have.

TEST_F(StartShell, EntrypointWithPartsAndExec) {
  tree_.file("opt/nvidia/entrypoint.d/10-banner.txt", "hello")
      .file("opt/nvidia/entrypoint.d/20-banner.sh",
            "echo\necho \"Version ${NVIDIA_VERSION:-x}\"\n");
  tree_.file("opt/nvidia/entrypoint.d/50-driver.sh",
             "if [[ \"$(find /usr -name 'libcuda*' 2>/dev/null | grep -c x)\" == \"0\" ]]; then\n  "
             "echo no driver\n  export NVIDIA_CPU_ONLY=1\nfi\n");
  const std::string entry = R"sh(#!/bin/bash
# Gather parts in alphabetical order
shopt -s nullglob extglob
_SCRIPT_DIR="$(dirname $(readlink -f ${BASH_SOURCE[0]}))"
_PARTS=( "/opt/nvidia/entrypoint.d"/* )
shopt -u nullglob extglob
# Execute the parts
for _file in "${_PARTS[@]}"; do
  case "${_file}" in
    *.txt) cat "${_file}" ;;
    *.sh)  source "${_file}" ;;
  esac
done
echo
# This script can either be a wrapper around arbitrary command lines,
# or a simple exec bash if no arguments were given
if [[ $# -eq 0 ]]; then
  exec "/bin/bash"
else
  exec "$@"
fi
)sh";
  const auto outcome = script(entry, {"python", "train.py"});
  ASSERT_THAT(argv(outcome), ElementsAre("python", "train.py"));
  EXPECT_TRUE(outcome->exec.unknown_variables.count("NVIDIA_CPU_ONLY"));
  EXPECT_THAT(argv(script(entry)), ElementsAre("/bin/bash"));
}

TEST_F(StartShell, NotebookStartWithHooks) {
  tree_.file("usr/local/bin/run-hooks.sh",
             "#!/bin/bash\nif [[ $# -ne 1 ]]; then\n  return 1\nfi\nif [[ ! -d \"${1}\" ]]; then\n "
             " return 1\nfi\nfor f in \"${1}/\"*; do\n  case \"${f}\" in\n    *.sh)\n      source "
             "\"${f}\" || true\n      ;;\n    *)\n      if [ -x \"${f}\" ]; then\n        "
             "\"${f}\"\n      fi\n      ;;\n  esac\ndone\n");
  tree_.file("usr/local/bin/start-notebook.d/10-act.sh", "export FROM_HOOK=1\n");
  const std::string entry = R"sh(#!/bin/bash
set -e
_log () {
    if [[ "$*" == "ERROR:"* ]] || [[ "$*" == "WARNING:"* ]] || [[ "${JUPYTER_QUIET}" == "" ]]; then
        echo "$@" >&2
    fi
}
unset_explicit_env_vars () {
    if [ -n "${JUPYTER_UNSET}" ]; then
        for v in $(echo "${JUPYTER_UNSET}" | tr ',' '\n'); do
            unset "${v}"
        done
        unset JUPYTER_UNSET
    fi
}
if [ $# -eq 0 ] ; then
    cmd=( "bash" )
else
    cmd=( "$@" )
fi
source /usr/local/bin/run-hooks.sh /usr/local/bin/start-notebook.d
if [ "$(id -u)" == 0 ] ; then
    sudo --preserve-env --set-home --user jovyan "${cmd[@]}"
else
    if [[ ! -w /home ]]; then
        _log "WARNING: no write access"
    fi
    _log "Executing the command:" "${cmd[@]}"
    unset_explicit_env_vars
    exec "${cmd[@]}"
fi
)sh";
  uid_ = 1000;
  const auto outcome = script(entry, {"start-notebook.py", "--port=1"});
  ASSERT_THAT(argv(outcome), ElementsAre("start-notebook.py", "--port=1"));
  EXPECT_EQ(outcome->exec.environment.at("FROM_HOOK"), "1");
  uid_ = std::nullopt;
  EXPECT_FALSE(script(entry, {"start-notebook.py"}).ok());
}

TEST_F(StartShell, ActivateAndExecALauncher) {
  tree_.file(
      "usr/src/.venv/bin/activate",
      "deactivate () {\n    unset VIRTUAL_ENV\n}\ndeactivate "
      "nondestructive\nVIRTUAL_ENV='/usr/src/.venv'\nif [ \"$OSTYPE\" = \"cygwin\" ] || [ "
      "\"$OSTYPE\" = \"msys\" ]; then\n    VIRTUAL_ENV=$(cygpath -u \"$VIRTUAL_ENV\")\nfi\nexport "
      "VIRTUAL_ENV\n_OLD_VIRTUAL_PATH=\"$PATH\"\nPATH=\"$VIRTUAL_ENV/bin:$PATH\"\nexport PATH\n");
  const auto outcome = script(
      "#!/bin/bash\nldconfig 2>/dev/null || echo 'unable to refresh ld cache, not a big deal in "
      "most cases'\nsource /usr/src/.venv/bin/activate\nexec launcher $@\n",
      {"--port", "80"});
  // The cache that ldconfig writes decides on libraries, not on programs; container runtimes have
  // written it anew before the start as well.
  EXPECT_THAT(argv(outcome), ElementsAre("launcher", "--port", "80"));
  const auto plain = script("#!/bin/bash\nsource /usr/src/.venv/bin/activate\nexec launcher $@\n",
                            {"--port", "80"});
  ASSERT_THAT(argv(plain), ElementsAre("launcher", "--port", "80"));
  EXPECT_EQ(plain->exec.environment.at("PATH"), "/usr/src/.venv/bin:/usr/bin:/bin");
  EXPECT_EQ(plain->steps.at(0).what, "activate /usr/src/.venv");
}

TEST_F(StartShell, CompatLibrariesByTheDriver) {
  const std::string entry =
      "#!/usr/bin/env bash\nset -e\nverlte() { [ \"$1\" = \"$2\" ]; }\nif [ -f "
      "/usr/local/cuda/compat/libcuda.so.1 ]; then\n  DRIVER=$(nvidia-smi "
      "--query-gpu=driver_version --format=csv,noheader 2>/dev/null || true)\n  if verlte "
      "\"$DRIVER\" 550; then\n    export LD_LIBRARY_PATH=/usr/local/cuda/compat:$LD_LIBRARY_PATH\n "
      " fi\nfi\nexec \"$@\"\n";
  EXPECT_THAT(argv(script(entry, {"python", "x.py"})), ElementsAre("python", "x.py"));
  tree_.file("usr/local/cuda/compat/libcuda.so.1");
  EXPECT_EQ(why(script(entry, {"python", "x.py"})),
            "/entry.sh:6 (`LD_LIBRARY_PATH` is unknown from here on)");
}

TEST_F(StartShell, EvalOfTheArguments) {
  const std::string entry =
      "#!/usr/bin/env bash\nif [[ \"$1\" = \"train\" ]]; then\n  exec train\nelse\n  eval "
      "\"$@\"\nfi\n";
  EXPECT_THAT(argv(script(entry, {"python", "-m", "x"})), ElementsAre("python", "-m", "x"));
  EXPECT_THAT(argv(script(entry, {"train"})), ElementsAre("train"));
}

TEST_F(StartShell, ServicesAndSleep) {
  const std::string entry =
      "#!/bin/bash\nset -e\nstart_nginx() {\n    echo 'Starting Nginx service...'\n    service "
      "nginx start\n}\nsetup_ssh() {\n    if [[ $PUBLIC_KEY ]]; then\n        echo 'Setting up "
      "SSH...'\n        mkdir -p ~/.ssh\n        echo \"$PUBLIC_KEY\" >> ~/.ssh/authorized_keys\n  "
      "      service ssh start\n    fi\n}\nstart_jupyter() {\n    if [[ $JUPYTER_PASSWORD ]]; "
      "then\n        nohup python -m jupyter lab &> /jupyter.log &\n    "
      "fi\n}\nstart_nginx\nsetup_ssh\nstart_jupyter\necho 'Start script(s) finished, Pod is ready "
      "to use.'\nsleep infinity\n";
  EXPECT_THAT(argv(script(entry)), ElementsAre("sleep", "infinity"));
  environment_["JUPYTER_PASSWORD"] = "x";
  EXPECT_THAT(why(script(entry)), HasSubstr("background"));
}

TEST_F(StartShell, LoginWithLimitsThenRay) {
  tree_.file("etc/profile",
             "if [ \"$(id -u)\" -eq 0 ]; then\n  "
             "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\nelse\n  "
             "PATH=\"/usr/local/bin:/usr/bin:/bin\"\nfi\nexport PATH\n");
  const auto outcome =
      follow({"/bin/bash", "-lc", "--", "ulimit -n 65536; ray start --head --block --num-cpus=8"});
  ASSERT_THAT(argv(outcome), ElementsAre("ray", "start", "--head", "--block", "--num-cpus=8"));
  EXPECT_EQ(outcome->exec.environment.at("PATH"),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

TEST_F(StartShell, ServersWithArguments) {
  EXPECT_THAT(argv(script("#!/bin/bash\nbash /usr/local/bin/telemetry.sh >/dev/null 2>&1 || "
                          "true\nvllm serve \"$@\"\n",
                          {"m"})),
              ElementsAre(HasSubstr("unclear: /entry.sh:2")));
  environment_["MODEL"] = "org/model";
  EXPECT_THAT(
      argv(script("#!/bin/bash\nset -euo pipefail\nARGS=(--host 0.0.0.0)\nif [ -n \"${TP:-}\" ]; "
                  "then ARGS+=(--tp \"$TP\"); fi\nif [[ \"${1:-}\" == -* || $# -eq 0 ]]; then\n  "
                  "exec vllm serve \"$MODEL\" \"${ARGS[@]}\" \"$@\"\nfi\nexec \"$@\"\n",
                  {"--seed", "1"})),
      ElementsAre("vllm", "serve", "org/model", "--host", "0.0.0.0", "--seed", "1"));
  EXPECT_THAT(argv(text("python -m sglang.launch_server --model-path $MODEL 2>&1 | tee /tmp/log")),
              ElementsAre("python", "-m", "sglang.launch_server", "--model-path", "org/model"));
}

}  // namespace
}  // namespace gpuinit::image
