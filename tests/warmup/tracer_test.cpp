// Nothing of a command may be other than without a tracer.
#include "warmup/tracer.h"

#include <gtest/gtest.h>

#include "recorded_in_child.h"

namespace gpuinit::warmup {
namespace {

using test::bytes_of;
using test::Outcome;
using test::record_in_a_child;

Outcome python(const std::string& code) {
  return record_in_a_child({"/usr/bin/python3", "-c", code});
}

std::uint64_t bytes_of_libc(const Outcome& outcome) {
  for (const auto& [path, bytes] : outcome.bytes)
    if (path.ends_with("/libc.so.6")) return bytes;
  return 0;
}

// Fault-around would make it nearly all of the 1.5 MB of code.
TEST(Tracer, HasOfALibraryTheCodeThatRan) {
  const std::uint64_t bytes = bytes_of_libc(record_in_a_child({"/bin/true"}));
  EXPECT_GT(bytes, 0U);
  EXPECT_LT(bytes, 1'000'000U);
}

TEST(Tracer, ThreadsRunTheSameCodeAtOnce) {
  EXPECT_EQ(python(R"(
import threading, zlib, hashlib, json
def work():
    for i in range(50):
        zlib.compress(b'x' * 1000); hashlib.sha256(b'y').hexdigest(); json.dumps([1, {}])
threads = [threading.Thread(target=work) for i in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
)")
                .exit_code,
            0);
}

TEST(Tracer, ChildrenOfForkAndVforkHaveCodeOfTheirOwn) {
  EXPECT_EQ(python(R"(
import os, subprocess, sys
for i in range(5):
    pid = os.fork()
    if pid == 0:
        import decimal
        os._exit(int(decimal.Decimal(3)))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert subprocess.run(['/bin/sh', '-c', 'exit 4']).returncode == 4  # vfork
import decimal
sys.exit(5)
)")
                .exit_code,
            5);
}

TEST(Tracer, AFaultOfTheProgramsOwnEndsIt) {
  EXPECT_EQ(python("import ctypes; ctypes.string_at(1)").exit_code, 139);
  EXPECT_EQ(python("import ctypes, os; libc = ctypes.CDLL(None)\n"
                   "ctypes.memset(ctypes.cast(libc.getpid, ctypes.c_void_p).value, 0, 1)")
                .exit_code,
            139)
      << "writing to code is no fetch";
}

TEST(Tracer, AHandlerOfSigsegvSeesItsFaultAndNoOther) {
  const test::DiskFile log(0);
  EXPECT_EQ(python("import faulthandler, zlib, ctypes\nf = open('" + log.path() + R"(', 'w')
faulthandler.enable(f)
import decimal, threading
thread = threading.Thread(target=zlib.compress, args=(b'x',)); thread.start(); thread.join()
ctypes.string_at(1)
)")
                .exit_code,
            139);
  EXPECT_GT(log.size(), 0U) << "the handler has written";
}

// What arrives while code is given is not lost.
TEST(Tracer, SignalsArrive) {
  EXPECT_EQ(python(R"(
import signal, sys
count = 0
def handler(*_):
    global count
    count += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
import json, decimal, asyncio, email, http.client, sqlite3
while count < 50: pass
signal.setitimer(signal.ITIMER_REAL, 0)
sys.exit(6)
)")
                .exit_code,
            6);
}

TEST(Tracer, AStoppedProcessGoesOn) {
  EXPECT_EQ(python(R"(
import signal, subprocess, sys, time
child = subprocess.Popen(['/bin/sh', '-c', 'kill -STOP $$; exit 7'])
while child.poll() is None:  # a traced process looks stopped before it is
    time.sleep(0.05)
    child.send_signal(signal.SIGCONT)
sys.exit(child.returncode)
)")
                .exit_code,
            7);
}

// mprotect(2) is refused from then on: code withheld would be lost.
TEST(Tracer, AProgramWithASeccompFilterRunsOn) {
  EXPECT_EQ(python(R"(
import ctypes, struct, sys, platform
libc = ctypes.CDLL(None, use_errno=True)
mprotect = 10 if platform.machine() == 'x86_64' else 226
program = struct.pack('HBBIHBBIHBBIHBBI', 0x20, 0, 0, 0, 0x15, 0, 1, mprotect,
                      0x06, 0, 0, 0x00050001, 0x06, 0, 0, 0x7fff0000)
code = ctypes.create_string_buffer(program, len(program))
fprog = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 4, ctypes.addressof(code)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog, 0, 0) == 0, ctypes.get_errno()
'x'.encode('utf-16').decode('utf-16'); float('1e10') ** 0.5; sorted(map(str, range(99)))
libc.strfry(ctypes.create_string_buffer(b'abc'))
sys.exit(8)
)")
                .exit_code,
            8);
}

TEST(Tracer, ATracerIsNotWatchedAndCanBeTraced) {
  EXPECT_EQ(python(R"(
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = os.fork()
if pid == 0:
    if libc.ptrace(0, 0, 0, 0) != 0: os._exit(1)  # PTRACE_TRACEME
    os.kill(os.getpid(), signal.SIGSTOP)
    import decimal
    os._exit(9)
_, status = os.waitpid(pid, 0)
assert os.WIFSTOPPED(status), status
assert libc.ptrace(7, pid, 0, 0) == 0  # PTRACE_CONT
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
)")
                .exit_code,
            9);
}

TEST(Tracer, WhatASignalEndedWasSeen) {
  const test::DiskFile file(60'000);
  const Outcome outcome = record_in_a_child(
      {"/usr/bin/python3", "-c", test::python(file, "f = open(path); f.read(1)\nos.abort()")});
  EXPECT_EQ(outcome.exit_code, 134);
  EXPECT_EQ(bytes_of(outcome, file.path()), 60'000U);
}

}  // namespace
}  // namespace gpuinit::warmup
