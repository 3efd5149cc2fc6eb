// From a Filter to the kernel's program, and the names of system calls. The only file that
// includes libseccomp.
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "base/text.h"
#include "base/unique_fd.h"
#include "seccomp/abis.h"
#include "seccomp/enosys_prologue.h"
#include "seccomp/filter.h"
#include "seccomp/post_libseccomp_syscalls.h"

namespace gpuinit::seccomp {

namespace {

constexpr std::size_t kMaxBytes = BPF_MAXINSNS * sizeof(sock_filter);  // 32 KiB
constexpr int kHighestNumber = 1023;  // of any call, for a walk over all names

// The machine's own ABI is always covered.
bool covers(const Filter& filter, std::size_t abi) {
  return abi == 0 || ((filter.abis >> abi) & 1U) != 0;
}

struct Release {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

std::uint32_t libseccomp_action(Action action, int error) {
  switch (action) {
    case Action::kAllow:
      return SCMP_ACT_ALLOW;
    case Action::kError:
      return SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error));
    case Action::kNotify:
      return SCMP_ACT_NOTIFY;
    case Action::kLog:
      return SCMP_ACT_LOG;
    case Action::kTrap:
      return SCMP_ACT_TRAP;
    case Action::kKillThread:
      return SCMP_ACT_KILL_THREAD;
    case Action::kKillProcess:
      return SCMP_ACT_KILL_PROCESS;
  }
  return SCMP_ACT_KILL_PROCESS;
}

scmp_arg_cmp comparison(const Test& test) {
  using Is = Test::Is;
  scmp_arg_cmp result{test.argument, SCMP_CMP_EQ, test.value, 0};
  switch (test.is) {
    case Is::kEqual:
      break;
    case Is::kNotEqual:
      result.op = SCMP_CMP_NE;
      break;
    case Is::kLess:
      result.op = SCMP_CMP_LT;
      break;
    case Is::kLessOrEqual:
      result.op = SCMP_CMP_LE;
      break;
    case Is::kGreater:
      result.op = SCMP_CMP_GT;
      break;
    case Is::kGreaterOrEqual:
      result.op = SCMP_CMP_GE;
      break;
    case Is::kMaskedEqual:
      return {test.argument, SCMP_CMP_MASKED_EQ, test.mask, test.value};
  }
  return result;
}

// libseccomp's own number for the name; nullopt if this ABI has no such call.
std::optional<std::uint32_t> known_number(const Abi& abi, const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name_arch(abi.libseccomp_token, name.c_str());
  if (number < 0) return std::nullopt;  // or it is a call of other ABIs only
  return static_cast<std::uint32_t>(number);
}

std::optional<std::uint32_t> number_of(const Abi& abi, const std::string& name) {
  if (const auto number = known_number(abi, name)) return number;
  // A name that libseccomp knows, but not for this ABI, is not a call here.
  if (::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) return std::nullopt;
  const PostLibseccompSyscall* newer = find_post_libseccomp_syscall(name);
  if (newer == nullptr || newer->number < 0) return std::nullopt;
  if (newer->x86_64_only && (abi.audit_arch != AUDIT_ARCH_X86_64 || abi.first_number != 0))
    return std::nullopt;
  return abi.first_number | static_cast<std::uint32_t>(newer->number);
}

Error cannot(const std::string& what, int result) {
  return errno_error("seccomp: cannot " + what, -result);
}

Status add_rule(const Context& context, const Filter& filter, const Rule& rule) {
  const std::uint32_t action = libseccomp_action(rule.action, rule.error);
  // libseccomp refuses a rule that changes nothing.
  if (action == libseccomp_action(filter.otherwise, filter.otherwise_error)) return Done{};
  std::vector<scmp_arg_cmp> tests;
  for (const Test& test : rule.tests) tests.push_back(comparison(test));
  const int number = ::seccomp_syscall_resolve_name(rule.call.c_str());
  const int result = ::seccomp_rule_add_array(context.get(), action, number,
                                              static_cast<unsigned>(tests.size()), tests.data());
  if (result == 0) return Done{};
  return cannot("express a rule for " + base::printable(rule.call), result);
}

Status add_prologue_rule(const Filter& filter, const Rule& rule, EnosysPrologue& prologue) {
  if (!rule.tests.empty())
    return Error{"seccomp: a rule for " + base::printable(rule.call) +
                 " cannot look at its arguments: libseccomp does not know this call"};
  const std::uint32_t result = libseccomp_action(rule.action, rule.error);
  if (result == libseccomp_action(filter.otherwise, filter.otherwise_error) &&
      !filter.enosys_for_newer_calls)
    return Done{};
  for (std::size_t i = 0; i < kAbis.size(); ++i)
    if (const auto number = number_of(kAbis[i], rule.call); number && covers(filter, i))
      prologue[i].decisions.push_back({*number, result});
  return Done{};
}

// Holds a whole program without a reader at the other end: a pipe, or memory where the
// user's pipes are limited to a page.
struct Channel {
  base::UniqueFd write_end;
  base::UniqueFd read_end;
};

Result<Channel> make_channel() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    Channel pipe{base::UniqueFd(ends[1]), base::UniqueFd(ends[0])};
    if (::fcntl(ends[1], F_GETPIPE_SZ) >= static_cast<int>(kMaxBytes)) return pipe;
    if (::fcntl(ends[1], F_SETPIPE_SZ, kMaxBytes) >= static_cast<int>(kMaxBytes)) return pipe;
  }
  base::UniqueFd memory(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!memory.valid()) return errno_error("seccomp: neither a pipe nor memory for the filter");
  base::UniqueFd again(::fcntl(memory.get(), F_DUPFD_CLOEXEC, 0));
  if (!again.valid()) return errno_error("seccomp: a descriptor for the filter");
  return Channel{std::move(memory), std::move(again)};
}

Result<Program> exported(const Context& context) {
  auto channel = make_channel();
  if (!channel) return std::move(channel).error();
  const int result = ::seccomp_export_bpf(context.get(), channel->write_end.get());
  if (result < 0) return cannot("generate the filter", result);
  // Both ends of memory share one offset; a pipe has none.
  [[maybe_unused]] const off_t start = ::lseek(channel->read_end.get(), 0, SEEK_SET);
  std::string bytes(kMaxBytes + sizeof(sock_filter), '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(channel->read_end.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return errno_error("seccomp: reading the filter");
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size == 0 || size % sizeof(sock_filter) != 0)
    return Error{"seccomp: the generated filter is incomplete"};
  Program program(size / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), size);
  return program;
}

// From this many rules on a search tree pays off: it costs 3 ms once, and saves some hundred
// tests for each call that the kernel has to run the filter for.
constexpr std::size_t kManyRules = 64;

Status prepare(const Context& context, const Filter& filter) {
  // libseccomp starts with the first, the machine's own.
  for (std::size_t i = 1; i < kAbis.size(); ++i) {
    if (!covers(filter, i)) continue;
    const int result = ::seccomp_arch_add(context.get(), kAbis[i].libseccomp_token);
    if (result < 0) return cannot("cover " + std::string(kAbis[i].name), result);
  }
  if (filter.rules.size() < kManyRules) return Done{};
  const int result = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  return result < 0 ? Status(cannot("optimise the filter", result)) : Status(Done{});
}

// For each ABI, the highest number that the rules name: calls above it are newer.
void set_last(const Filter& filter, EnosysPrologue& prologue) {
  for (std::size_t i = 0; i < kAbis.size(); ++i) {
    if (!covers(filter, i)) continue;
    for (const Rule& rule : filter.rules)
      if (const auto number = number_of(kAbis[i], rule.call)) {
        prologue[i].has_last = true;
        prologue[i].last = std::max(prologue[i].last, *number);
      }
  }
}

}  // namespace

Result<Program> compile(const Filter& filter) {
  const Context context(
      ::seccomp_init(libseccomp_action(filter.otherwise, filter.otherwise_error)));
  if (context == nullptr) return Error{"seccomp: libseccomp cannot make such a filter"};
  if (auto done = prepare(context, filter); !done) return std::move(done).error();
  EnosysPrologue prologue;
  for (const Rule& rule : filter.rules) {
    if (!is_call_name(rule.call)) return Error{no_such_call(rule.call)};
    const bool newer = ::seccomp_syscall_resolve_name(rule.call.c_str()) == __NR_SCMP_ERROR;
    auto done = newer ? add_prologue_rule(filter, rule, prologue) : add_rule(context, filter, rule);
    if (!done) return std::move(done).error();
  }
  if (filter.enosys_for_newer_calls) set_last(filter, prologue);
  auto rest = exported(context);
  if (!rest) return rest;
  Program program = compile_prologue(prologue);
  program.insert(program.end(), rest->begin(), rest->end());
  if (program.size() > BPF_MAXINSNS)
    return Error{
        "seccomp: the filter is larger than the kernel takes: " + std::to_string(program.size()) +
        " instructions of " + std::to_string(BPF_MAXINSNS)};
  return program;
}

std::string call_name(std::uint32_t audit_arch, int number) {
  const auto bits = static_cast<std::uint32_t>(number);
  std::uint32_t token = audit_arch;
  for (const Abi& abi : kAbis)
    if (abi.audit_arch == audit_arch && abi.first_number != 0 && (bits & abi.first_number) != 0)
      token = abi.libseccomp_token;
  if (char* name = ::seccomp_syscall_resolve_num_arch(token, number)) {
    std::string result(name);
    std::free(name);
    return result;
  }
  const PostLibseccompSyscall* newer =
      find_post_libseccomp_syscall(static_cast<int>(bits & ~kX32Bit));
  if (newer != nullptr && (!newer->x86_64_only || audit_arch == AUDIT_ARCH_X86_64))
    return std::string(newer->name);
  return "system call " + std::to_string(number);
}

std::string libseccomp_version() {
  const scmp_version& version = *::seccomp_version();
  return std::to_string(version.major) + '.' + std::to_string(version.minor) + '.' +
         std::to_string(version.micro);
}

bool is_call_name(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) return false;  // libseccomp would stop there
  if (find_post_libseccomp_syscall(name) != nullptr) return true;
  return ::seccomp_syscall_resolve_name(std::string(name).c_str()) != __NR_SCMP_ERROR;
}

std::string no_such_call(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& call : kPostLibseccompSyscalls) names.emplace_back(call.name);
  for (const Abi& abi : kAbis)
    for (int number = 0; number <= kHighestNumber; ++number)
      if (char* found = ::seccomp_syscall_resolve_num_arch(
              abi.libseccomp_token, static_cast<int>(abi.first_number) + number)) {
        names.emplace_back(found);
        std::free(found);
      }
  const std::string near = base::nearest(name, names);
  return "there is no system call `" + base::printable(name, 60) + "`" +
         (near.empty() ? "" : "; did you mean `" + near + "`?");
}

}  // namespace gpuinit::seccomp
