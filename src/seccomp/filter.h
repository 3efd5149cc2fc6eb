// Filters on system calls: described as plain data, compiled to the kernel's
// program, installed. libseccomp is included in compile.cpp alone.
//
// A filter covers every ABI that this kernel can enter unless it says otherwise:
// x86-64, x32 and i386 (int 0x80), or aarch64 and arm. A rule names a call once and
// holds for all of them.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/result.h"

namespace gpuinit::base {
struct Json;
}

namespace gpuinit::seccomp {

// What happens to a call; seccomp(2), SECCOMP_RET_*.
enum class Action {
  kAllow,
  kError,   // the call fails with `error`
  kNotify,  // a listener decides (install_with_listener)
  kLog,     // allowed, and logged
  kTrap,    // SIGSYS
  kKillThread,
  kKillProcess,
};

// One argument against a value. A rule tests each argument at most once.
struct Test {
  unsigned argument = 0;  // 0 to 5
  enum class Is {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kMaskedEqual,  // (argument & mask) == value
  } is = Is::kEqual;
  std::uint64_t value = 0;
  std::uint64_t mask = 0;
};

// A rule without tests overrides every other rule for its call. On i386 the socket calls
// also come in through `socketcall`, and those of System V IPC through `ipc`: a rule for
// `socket` is also one for socketcall(1, …), whose arguments cannot be tested.
struct Rule {
  std::string call;  // "mount"
  Action action = Action::kAllow;
  int error = EPERM;
  std::vector<Test> tests;  // the rule holds if all of them do
};

inline constexpr unsigned kAllAbis = ~0U;

struct Filter {
  Action otherwise = Action::kAllow;  // of calls that no rule matches
  int otherwise_error = ENOSYS;
  // Calls numbered above every call that the rules name fail with ENOSYS, whatever
  // `otherwise` is, as under runc: the author of the rules cannot have meant them, and
  // programs take ENOSYS (but not EPERM) for an older kernel and fall back.
  bool enosys_for_newer_calls = false;
  std::vector<Rule> rules;
  bool log = false;  // see install_flags
  // Bit n: kAbis[n] of abis.h. A call through another one ends the thread.
  unsigned abis = kAllAbis;
};

using Program = std::vector<sock_filter>;

// A name that an ABI lacks is left out for it. Errors: a name that is not a system call, a
// test that cannot be expressed, a program larger than the kernel takes.
Result<Program> compile(const Filter& filter);

// Runs the program as the kernel would: SECCOMP_RET_* with its data;
// SECCOMP_RET_KILL_PROCESS for one that the kernel would refuse.
std::uint32_t evaluate(const Program& program, const seccomp_data& call);

// Whether the call, in this program's own ABI, gets through: for some arguments or all.
enum class Allows { kNever, kForSomeArguments, kAlways };
Allows allows(const Program& program, int number);

// SECCOMP_FILTER_FLAG_LOG if the filter asks for it, and the flag that keeps
// kernels before 5.16 from slowing down everything under a filter.
unsigned install_flags(const Filter& filter);

// For this thread and its children: 0 or an errno. The caller sets no_new_privs, which is
// needed without CAP_SYS_ADMIN. Allocates nothing, so a vforked child can call it.
int install_or_errno(const Program& program, unsigned flags);
Status install(const Program& program, unsigned flags);

// The same; the listener's descriptor (close-on-exec) is the caller's.
Result<int> install_with_listener(const Program& program);

// "mount", or "system call 435". `audit_arch` and `number` as in seccomp_data.
std::string call_name(std::uint32_t audit_arch, int number);

bool is_call_name(std::string_view name);

// "there is no system call `mout`; did you mean `mount`?"
std::string no_such_call(std::string_view name);

// The call is allowed, whatever the rules said about it and its arguments.
void allow_call(Filter& filter, const std::string& call);

// The call fails with EPERM. If it also comes in through `socketcall` or `ipc`, a rule that
// allows all of that goes away; those for the other single calls stay.
void deny_call(Filter& filter, const std::string& call);

// Lines of at most 100 columns, without an indentation of their own; names that share
// an action and the tests of their arguments stand together, in alphabetical order.
std::string describe(const Filter& filter);

// {"abis":[…],"otherwise":"EPERM","newer":"ENOSYS","rules":[{"action","if":[…],"calls":[…]}]}
base::Json filter_json(const Filter& filter);

// Of the library that is linked in: "2.5.4".
std::string libseccomp_version();

}  // namespace gpuinit::seccomp
