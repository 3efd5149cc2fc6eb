#include "probe/sandbox/syscall_monitor.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/pass_descriptor.h"
#include "seccomp/target_context.h"

namespace gpuinit::probe {

namespace {

constexpr std::size_t kMaxNames = 32;  // of refused calls, and of unexpected ones
constexpr int kCallsAtOnce = 64;       // then the caller looks at its clock again

// Since 5.5 a call may be let through after its notification (SECCOMP_USER_NOTIF_FLAG_CONTINUE).
// Older kernels do not say so when asked; they fail each answer.
bool kernel_since(int major, int minor) {
  utsname names{};
  if (::uname(&names) != 0) return false;
  const auto version = seccomp::kernel_version(names.release);
  return version && *version >= std::pair(major, minor);
}

void count(std::map<std::string, std::uint64_t>& names, const std::string& name) {
  const auto known = names.find(name);
  if (known != names.end()) ++known->second;
  else if (names.size() < kMaxNames) names[name] = 1;
}

std::vector<std::string> in_words(const std::map<std::string, std::uint64_t>& names) {
  std::vector<std::string> words;
  for (const auto& [name, times] : names)
    words.push_back(times == 1 ? name : name + " (" + std::to_string(times) + " times)");
  return words;
}

// With it /proc/PID/mem of gpuinit would be open to root's probe. Not regained by exec:
// no_new_privs.
bool drop_tracing() {
  ::prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, sets) != 0) return false;
  auto& set = sets[CAP_TO_INDEX(CAP_SYS_PTRACE)];
  for (auto* bits : {&set.effective, &set.permitted, &set.inheritable})
    *bits &= ~CAP_TO_MASK(CAP_SYS_PTRACE);
  return ::syscall(SYS_capset, &header, sets) == 0;
}

}  // namespace

SyscallMonitor::SyscallMonitor(const Sandbox& sandbox, const std::vector<std::string>& environment)
    : sandbox_(sandbox), environment_(environment) {
  if (!wanted()) return;
  landlock_version_ = landlock_version();
  auto filter = ProbeFilter::make(sandbox.kind, landlock_version_ > 0);
  if (filter) filter_ = std::move(filter).value();
  else filter_trouble_ = filter.error().message;

  void* memory = ::mmap(nullptr, sizeof(ChildReport), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    obstacle_ = errno_error("the sandbox: memory").message;
    return;
  }
  report_ = static_cast<ChildReport*>(memory);
  if (!filter_trouble_.empty() && required()) obstacle_ = why_no_filter();
}

void SyscallMonitor::open_channel() {
  if (report_ == nullptr) return;
  int ends[2];
  if (kernel_since(5, 5) && ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
    parents_end_.reset(ends[0]);
    childs_end_.reset(ends[1]);
  }
}

SyscallMonitor::~SyscallMonitor() {
  if (report_ != nullptr) ::munmap(report_, sizeof(ChildReport));
}

// ---------------------------------------------------------------- in the child

void SyscallMonitor::move_childs_end(int fd) {
  childs_end_.release();
  childs_end_.reset(fd);
}

void SyscallMonitor::restrict_files() {
  if (landlock_version_ == 0) return;
  const Status done = restrict_writes(landlock_version_, writable_paths(sandbox_, environment_));
  report_->landlock = done.ok();
  if (!done) report_->landlock_error = done.error().code != 0 ? done.error().code : EINVAL;
}

// Where Landlock was promised and is not there: the filter must see to the files.
void SyscallMonitor::make_filter_without_landlock() {
  if (landlock_version_ == 0 || report_->landlock || !filter_trouble_.empty()) return;
  auto filter = ProbeFilter::make(sandbox_.kind, false);
  if (filter) filter_ = std::move(filter).value();
}

// 0 or an errno. From here on only expected calls are made, and those that Landlock allows.
int SyscallMonitor::install() {
  if (childs_end_.valid()) {
    if (const auto listener = seccomp::install_with_listener(filter_.with_listener())) {
      // Without a reader every call that waits for an answer would fail with ENOSYS.
      if (!base::send_descriptor(childs_end_.get(), *listener)) return errno;
      ::close(*listener);
      report_->listener = true;
      return 0;
    }
    // No listener: an old kernel, or another process listens to this container (EBUSY).
  }
  const auto done =
      seccomp::install(filter_.without_listener(), seccomp::install_flags(seccomp::Filter()));
  return done ? 0 : std::max(done.error().code, 1);
}

std::string SyscallMonitor::enter_sandbox() {
  if (!wanted()) return "";
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !drop_tracing()) {
    report_->filter_error = errno;
  } else {
    restrict_files();
    make_filter_without_landlock();
    filter_.set_process(::getpid());
    report_->filter_error = filter_trouble_.empty() ? install() : EINVAL;
  }
  report_->entered = true;
  childs_end_.reset();
  return report_->filter_error == 0 || !required() ? "" : why_no_filter();
}

// ---------------------------------------------------------------- in the parent

void SyscallMonitor::started(pid_t child) {
  child_ = child;
  childs_end_.reset();
  filter_.set_process(child);
}

void SyscallMonitor::receive_listener() {
  const int listener = base::receive_descriptor(parents_end_.get(), /*wait=*/false);
  if (listener < 0 && errno == EAGAIN) return;
  if (listener >= 0) {
    listener_.reset(listener);
    make_filter_without_landlock();  // as the child did
    filter_.set_process(child_);
  }
  parents_end_.reset();
}

// False if no call waits any more.
bool SyscallMonitor::answer_one() {
  pollfd event{listener_.get(), POLLIN, 0};
  if (::poll(&event, 1, 0) <= 0) return false;
  if ((event.revents & POLLIN) == 0) {
    listener_.reset();  // no process is left in the sandbox
    return false;
  }
  // The call may have been interrupted since: ENOENT, here and when it is answered.
  seccomp_notif call{};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
    return errno == EINTR || errno == ENOENT;
  const int refusal = filter_.refusal(call.data);
  count(refusal != 0 ? refused_ : unexpected_, seccomp::call_name(call.data.arch, call.data.nr));
  seccomp_notif_resp answer{};
  answer.id = call.id;
  if (refusal != 0) answer.error = -refusal;
  else answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  return true;
}

void SyscallMonitor::serve() {
  if (parents_end_.valid()) receive_listener();
  for (int i = 0; i < kCallsAtOnce && listener_.valid(); ++i)
    if (!answer_one()) return;
}

std::string SyscallMonitor::why_no_filter() const {
  std::string why = filter_trouble_;
  if (why.empty())
    why = errno_error("this host refuses a seccomp filter", report_->filter_error).message;
  return required() ? why + "; with probe.sandbox = \"best-effort\" the probe runs without it"
                    : why;
}

void SyscallMonitor::describe(ProbeRun& run) const {
  run.refused_calls = in_words(refused_);
  run.unexpected_calls = in_words(unexpected_);
  if (!wanted()) run.sandbox = "none, because probe.sandbox is \"off\"";
  if (report_ == nullptr || !report_->entered) return;
  if (report_->filter_error != 0) {
    run.sandbox =
        (report_->landlock ? "Landlock only, because " : "none, because ") + why_no_filter();
    return;
  }
  run.sandbox = report_->landlock ? "seccomp and Landlock" : "seccomp";
  if (report_->landlock_error != 0)
    run.sandbox += " (" + errno_error("Landlock", report_->landlock_error).message + ")";
  if (!report_->listener) run.sandbox += "; the names of refused calls are not known here";
}

}  // namespace gpuinit::probe
