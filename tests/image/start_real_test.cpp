// What stands in front of a command, really run and followed: inits, changers of user, priority and
// environment, tracers. The same program with the same arguments, environment and directory, or
// unclear; never another one.
#include <gtest/gtest.h>

#include "image/real_start.h"

namespace gpuinit::image::real {
namespace {

class Starts : public RealStarts {
 protected:
  Starts() {
    for (const char* name : {"python3", "vllm", "ray", "sleep", "sglang", "trtllm-serve", "x"})
      stage_.stub(std::string("bin/") + name);
    stage_.stub("venv/bin/python").stub("venv/bin/vllm").stub("srv/prog");
    stage_.tree.file("srv/train.py").file("srv/not-executable").directory("srv/below");
    stage_.tree.executable("bin/torchrun", "#!" + stage_.tree.root() + "/venv/bin/python\n");
    stage_.tree.executable("bin/console", "#!/usr/bin/env python3\nimport sys\n");
    stage_.tree.executable("bin/chain", "#!" + stage_.tree.root() + "/bin/torchrun -u\n");
    stage_.tree.executable("bin/split", "#!/usr/bin/env -S A=1 python3 -u\n");
    stage_.tree.executable("bin/relative", "#!bin/python3\n");
    stage_.tree.executable("bin/no-shebang", "exec python3\n");
    stage_.tree.executable("bin/trampoline",
                           "#!/bin/sh\n'''exec' \"" + stage_.tree.root() +
                               "/venv/bin/python\" \"$0\" \"$@\"\n' '''\nimport sys\n");
    stage_.tree.link("link", "bin");
    stage_.directory = "/srv";
  }
};

constexpr Came kUnclear = Came::kUnclear;
constexpr Came kNothing = Came::kToNothing;

TEST_F(Starts, Plain) {
  expect({
      {{"python3", "train.py", "--lr", "1e-4"}},
      {{"vllm", "serve", "model"}},
      {{"@/bin/vllm"}},
      {{"./prog"}},
      {{"below/../prog", ""}},
      {{"torchrun", "--nproc-per-node=8", "train.py"}},
      {{"console", "a"}},
      {{"chain", "a"}},
      {{"split", "a"}},
      {{"trampoline", "a b"}},
      {{"../bin/relative"}, kUnclear},
      {{"relative"}, kUnclear},
      {{"no-shebang"}, Came::kToAProgram},
      {{"nosuch"}, kUnclear},
      {{"@/nosuch"}, kUnclear},
      {{"./not-executable"}, kUnclear},
      {{"not-executable"}, kUnclear},
      {{"./below"}, kUnclear},
      {{"prog"}, kUnclear},
      {{"prog"}, Came::kToAProgram, {{"PATH", "/usr/bin::/bin"}}},
      {{"prog"}, Came::kToAProgram, {{"PATH", ""}}},
      {{"prog"}, Came::kToAProgram, {{"PATH", "/nowhere:."}}},
      {{"prog"}, Came::kToAProgram, {{"PATH", "below/..:/usr/bin"}}},
  });
}

TEST_F(Starts, Inits) {
  expect({
      {{"tini", "--", "python3", "train.py"}},
      {{"tini", "python3", "train.py"}},
      {{"tini", "python3", "--", "train.py"}, kUnclear},
      {{"tini", "python3", "train.py", "--lr", "1"}, kUnclear},
      {{"tini", "-g", "-s", "--", "vllm", "serve", "--", "m"}},
      {{"tini", "-vvv", "-p", "SIGTERM", "-e", "143", "-w", "--", "x"}},
      {{"tini", "-sgpSIGKILL", "x"}},
      {{"tini", "-s", "x", "-g"}, kUnclear},
      {{"tini", "-h"}, kNothing},
      {{"tini", "--version"}, kNothing},
      {{"tini", "-l", "x"}, kNothing},
      {{"tini", "--", "nosuch"}, kUnclear},
      {{"tini", "-Z", "x"}, kUnclear},
      {{"tini", "--foo", "x"}, kUnclear},
      {{"tini"}, kNothing},
      {{"dumb-init", "--", "vllm", "serve"}},
      {{"dumb-init", "-c", "x", "-c"}},
      {{"dumb-init", "-v", "-r", "15:2", "--rewrite", "1:15", "--rewrite=2:3", "x"}},
      {{"dumb-init", "--single-child", "--verbose", "x", "--", "y"}},
      {{"dumb-init", "-cr15:2", "x"}},
      {{"dumb-init", "--help", "x"}, kNothing},
      {{"dumb-init", "-V"}, kNothing},
      {{"dumb-init", "--bad", "x"}, kUnclear},
      {{"catatonit", "--", "x", "a"}},
      {{"catatonit", "x", "-g"}, kUnclear},
      {{"catatonit", "-g", "x"}},
      {{"catatonit", "-V", "x"}, kNothing},
      {{"catatonit", "-L", "x"}, kNothing},
      {{"tini", "--", "dumb-init", "--", "env", "A=1", "nice", "x", "y"}},
  });
}

TEST_F(Starts, Users) {
  expect({
      {{"gosu", "nobody", "x", "a"}},
      {{"gosu", "65534", "x"}},
      {{"gosu", "1234:1234", "x"}},
      {{"gosu", "nobody:nogroup", "x"}},
      {{"gosu", "root", "x"}},
      {{"gosu", "daemon", "./prog", "--", "-c"}},
      {{"gosu", "nosuchuser", "x"}, kUnclear},
      {{"gosu", "nobody", "nosuch"}, kUnclear},
      {{"gosu", "--", "nobody", "x"}, kUnclear},
      {{"gosu", "--version"}, kNothing},
      {{"gosu", "nobody"}, kNothing},
      {{"setpriv", "--reuid", "nobody", "--regid=65534", "--clear-groups", "x"}},
      {{"setpriv", "--reuid=65534", "--regid=65534", "--init-groups", "--reset-env", "@/bin/x"}},
      {{"setpriv", "--reuid=nobody", "--regid=65534", "--clear-groups", "--reset-env", "@/bin/x"}},
      {{"setpriv", "--reset-env", "@/bin/x", "-V"}},
      {{"setpriv", "--reset-env", "@/bin/x"}, Came::kToAProgram, {{"TERM", "xterm"}}},
      {{"setpriv", "--reset-env", "x"}, kUnclear},
      {{"setpriv", "--nnp", "--inh-caps=-all", "--bounding-set", "-all", "x"}},
      {{"setpriv", "--no-new-privs", "--pdeathsig", "KILL", "x", "--nnp"}},
      {{"setpriv", "--help", "x"}, kNothing},
      {{"setpriv", "-d"}, kNothing},
      {{"setpriv", "--foo", "x"}, kUnclear},
      {{"runuser", "-u", "nobody", "--", "x", "a"}},
      {{"runuser", "-u", "nobody", "x", "a"}},
      {{"runuser", "--user=root", "--", "x"}},
      {{"runuser", "-u", "nobody", "-g", "nogroup", "x"}},
      {{"runuser", "nobody", "-c", "x"}, kUnclear},
      {{"runuser", "-l", "nobody", "-c", "x"}, kUnclear},
      {{"su", "nobody", "-s", "/bin/sh", "-c", "x"}, kUnclear},
      {{"chroot", "/", "x"}, kUnclear},
  });
}

TEST_F(Starts, Env) {
  expect({
      {{"env", "x", "A=1"}},
      {{"env", "A=1", "B=", "x"}},
      {{"env", "-i", "@/bin/x"}},
      {{"env", "-i", "x"}, kUnclear},
      {{"env", "-", "A=1", "@/bin/x"}},
      {{"env", "-", "-u", "A", "@/bin/x"}, kUnclear},
      {{"env", "-i", "PATH=@/venv/bin", "vllm"}},
      {{"env", "-u", "HOME", "-uLANG", "x"}},
      {{"env", "--unset=HOME", "x"}},
      {{"env", "--unset", "HOME", "x"}, kUnclear},
      {{"env", "--ignore-environment", "@/bin/x"}},
      {{"env", "-C", "below", "../prog"}},
      {{"env", "-Cbelow", "x"}},
      {{"env", "--chdir=below", "x"}},
      {{"env", "-C", "nosuch", "x"}, kUnclear},
      {{"env", "-S", "x a 'b c' \"d\\_e\" ${HOME}"}},
      {{"env", "-S", "A=${HOME} x", "more"}},
      {{"env", "-Sx -u  B"}},
      {{"env", "-vS", "x a"}},
      {{"env", "--split-string=x a"}},
      {{"env", "-i", "-S", "@/bin/x ${HOME}"}},
      {{"env", "-u", "HOME", "-S", "x ${HOME}"}},
      {{"env", "-S", "-i @/bin/x ${HOME}"}},
      {{"env", "-S", "x ${NOT_SET} b"}},
      {{"env", "-S", "x ${EMPTY} a${EMPTY}b \"${NOT_SET}\" c"}, Came::kToAProgram, {{"EMPTY", ""}}},
      {{"env", "-S", "x #comment", "y"}},
      {{"env", "-S", "x a\\cb", "y"}},
      {{"env", "-S", "x $HOME"}, kUnclear},
      {{"env", "A=1", "-u", "A", "x"}, kUnclear},
      {{"env", "PATH=/nowhere", "x"}, kUnclear},
      {{"env", "PATH=@/venv/bin:/bin", "vllm"}},
      {{"env", "-v", "x"}},
      {{"env", "--debug", "--ignore-signal=INT", "--default-signal", "x"}},
      {{"env", "-u", "PATH", "@/bin/x"}},
      {{"env", "--help", "x"}, kNothing},
      {{"env", "--version"}, kNothing},
      {{"env", "--foo", "x"}, kUnclear},
      {{"env", "-0", "x"}, kUnclear},
      {{"env"}, kNothing},
      {{"env", "A=1"}, kNothing},
      {{"env", "=1", "x"}, kUnclear},
      {{"env", "A=1", "A=2", "env", "-u", "A", "x"}},
      {{"env", "--", "A=1", "x"}},
      {{"env", "--", "-x"}, kUnclear},
  });
}

TEST_F(Starts, Priorities) {
  expect({
      {{"nice", "x", "-n", "5"}},
      {{"nice", "-n", "5", "x"}},
      {{"nice", "-n5", "x"}},
      {{"nice", "-5", "x"}},
      {{"nice", "-15", "x"}},
      {{"nice", "--adjustment=5", "x"}},
      {{"nice", "--adjustment", "5", "--", "x"}},
      {{"nice", "--5", "x"}, kUnclear},
      {{"nice", "-n", "five", "x"}, kUnclear},
      {{"nice"}, kNothing},
      {{"nice", "--help"}, kNothing},
      {{"ionice", "-c", "2", "-n", "4", "x"}},
      {{"ionice", "-c2", "-n4", "-t", "x"}},
      {{"ionice", "-c", "idle", "x"}},
      {{"ionice", "--class", "best-effort", "--classdata=3", "--ignore", "x"}},
      {{"ionice", "-p", "1"}, kUnclear},
      {{"chrt", "-o", "0", "x"}},
      {{"chrt", "--batch", "0", "x", "-b"}},
      {{"chrt", "-i", "0", "--", "x"}, kUnclear},
      {{"ionice", "-c", "3", "x", "-n", "1"}},
      {{"chrt", "-b", "x"}, kUnclear},
      {{"chrt", "-m"}, kNothing},
      {{"taskset", "1", "x"}},
      {{"taskset", "0x3", "x", "-c"}},
      {{"taskset", "-c", "0-1", "x"}},
      {{"taskset", "--cpu-list", "0", "x"}},
      {{"taskset", "-c0", "x"}, kUnclear},
      {{"taskset", "-p", "1"}, kUnclear},
      {{"numactl", "-s", "x"}, kNothing},
      {{"numactl", "--show", "x"}, kNothing},
      {{"numactl", "-H"}, kNothing},
      {{"numactl", "--hardware"}, kNothing},
      {{"numactl", "--localalloc", "x", "-l"}},
      {{"numactl", "-l", "--", "x"}},
      {{"numactl", "-C", "0", "x"}},
      {{"numactl", "--physcpubind=0", "--membind", "0", "x"}},
      {{"numactl", "-N0", "-m0", "x"}},
      {{"numactl", "--cpunodebind=0", "--membind=0", "--", "python3", "train.py"}},
      {{"numactl", "-i", "all", "x"}},
      {{"numactl", "--foo", "x"}, kUnclear},
      {{"prlimit", "--nofile=1024:1024", "x"}},
      {{"prlimit", "-n1024", "--core=0", "x"}},
      {{"prlimit", "--stack=1048576:", "--", "x", "-l"}},
      {{"prlimit", "--pid", "1"}, kUnclear},
      {{"setarch", "x86_64", "x"}},
      {{"setarch", "-R", "x"}},
      {{"setarch", "x86_64", "-R", "x", "-R"}},
      {{"setarch", "--addr-no-randomize", "x"}},
      {{"linux64", "-R", "x"}},
      {{"linux32", "x"}},
      {{"setarch", "linux32", "-R", "x"}},
      {{"setarch", "-R"}, kUnclear},
      {{"setarch", "--help"}, kNothing},
  });
}

TEST_F(Starts, Limits) {
  expect({
      {{"timeout", "10", "x"}},
      {{"timeout", "-k", "5", "-s", "TERM", "10s", "x", "-k"}},
      {{"timeout", "--kill-after=5", "--signal", "INT", "--foreground", "1m", "x"}},
      {{"timeout", "--preserve-status", "-v", "--", "10", "x"}},
      {{"timeout", "-sKILL", "1h", "tini", "--", "x"}},
      {{"timeout", "abc", "x"}, kUnclear},
      {{"timeout", "10"}, kNothing},
      {{"timeout", "x"}, kUnclear},
      {{"timeout", "-x", "10", "x"}, kUnclear},
      {{"stdbuf", "-oL", "x"}},
      {{"stdbuf", "-o0", "-e", "L", "--input=0", "x"}},
      {{"stdbuf", "-o", "4K", "x"}},
      {{"stdbuf", "--output=L", "x"}, Came::kToAProgram, {{"LD_PRELOAD", "/nowhere/a.so"}}},
      {{"stdbuf", "-i", "L", "x"}, kUnclear},
      {{"stdbuf", "-o", "zz", "x"}, kUnclear},
      {{"stdbuf", "x"}, kUnclear},
      {{"stdbuf", "--help"}, kNothing},
      {{"nohup", "x", "--help"}},
      {{"nohup", "--", "x"}},
      {{"nohup", "--help"}, kNothing},
      {{"nohup"}, kNothing},
      {{"setsid", "x", "-f"}},
      {{"setsid", "-w", "x"}},
      {{"setsid", "--fork", "--wait", "--", "x"}},
      {{"setsid", "--help"}, kNothing},
      {{"unshare", "-m", "x", "-p"}},
      {{"unshare", "-pf", "--mount-proc", "x"}},
      {{"unshare", "--mount", "--propagation", "private", "--", "x"}},
      {{"unshare", "-u", "--ipc", "--net", "x"}},
      {{"unshare", "-r", "x"}},
      {{"unshare", "--pid", "--fork", "--kill-child", "x"}},
      {{"unshare", "-R", "/", "x"}, kUnclear},
      {{"unshare", "-m"}, kUnclear},
      {{"unshare", "--help"}, kNothing},
      {{"time", "x"}},
      {{"time", "-v", "-o", "@/time.log", "--", "x", "-v"}},
      {{"time", "-p", "-f", "%e", "x"}},
      {{"time", "--format=%e", "--quiet", "x"}},
      {{"/usr/bin/time", "-ao", "@/time.log", "x"}},
      {{"time", "-V"}, kNothing},
      {{"time", "--foo", "x"}, kUnclear},
  });
}

TEST_F(Starts, Tracers) {
  expect({
      {{"strace", "-f", "-o", "@/strace.log", "x", "-f"}},
      {{"strace", "-ff", "-e", "trace=openat", "-o", "@/strace.log", "--", "x"}},
      {{"strace", "-qq", "-c", "-o", "/dev/null", "python3", "train.py"}},
      {{"strace", "-E", "A=1", "-E", "HOME", "x"}},
      {{"strace", "-EA=1", "x"}},
      {{"strace", "-u", "nobody", "x"}, kUnclear},
      {{"strace", "-V"}, kNothing},
      {{"strace", "-h"}, kNothing},
      {{"strace", "--help", "x"}, kNothing},
      {{"strace", "-p", "1"}, kUnclear},
      {{"gdb", "-batch", "-ex", "run", "--args", "x", "a", "b c", "*"}},
      {{"gdb", "-q", "--batch", "--ex=run", "-args", "python3", "train.py"}},
      {{"gdb", "-batch", "-ex", "run", "x"}, kUnclear},
      {{"gdb", "-batch", "-ex", "run", "--args", "./prog"}},
      {{"gdb", "-batch", "-ex", "run", "--args", "@/link/x"}},
      {{"gdb", "-batch", "-ex", "run", "--args", "x"}, Came::kToAProgram, {{"SHELL", "/bin/bash"}}},
      {{"gdb", "-batch", "-ex", "run", "--args", "console", "a"}, kUnclear},
      {{"gdb", "--version"}, kNothing},
  });
}

}  // namespace
}  // namespace gpuinit::image::real
