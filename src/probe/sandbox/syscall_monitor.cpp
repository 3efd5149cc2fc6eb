#include "probe/sandbox/syscall_monitor.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/pass_descriptor.h"
#include "probe/sandbox/landlock.h"
#include "seccomp/target_context.h"

namespace gpuinit::probe {

namespace {

constexpr std::size_t kMaxNames = 32;  // of refused calls, and of unexpected ones
constexpr int kCallsAtOnce = 64;       // then the caller looks at its clock again

// Notifications that a call may be let through after (SECCOMP_USER_NOTIF_FLAG_CONTINUE).
// Kernels before do not say so when asked, they fail each answer.
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
  words.reserve(names.size());
  for (const auto& [name, times] : names)
    words.push_back(times == 1 ? name : name + " (" + std::to_string(times) + " times)");
  return words;
}

}  // namespace

Box::Box(const Sandbox& sandbox, const std::vector<std::string>& environment)
    : sandbox_(sandbox), environment_(environment) {
  if (!wanted()) return;
  landlock_version_ = landlock_version();
  auto filter = ProbeFilter::make(sandbox.kind, landlock_version_ > 0);
  if (filter) filter_ = std::move(filter).value();
  else filter_trouble_ = filter.error().message;

  void* memory =
      ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    obstacle_ = errno_error("the sandbox: memory").message;
    return;
  }
  told_ = static_cast<Told*>(memory);
  if (!filter_trouble_.empty() && required()) obstacle_ = why_no_filter();
}

void Box::open_channel() {
  if (told_ == nullptr) return;
  int ends[2];
  if (kernel_since(5, 5) && ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
    parents_end_.reset(ends[0]);
    childs_end_.reset(ends[1]);
  }
}

Box::~Box() {
  if (told_ != nullptr) ::munmap(told_, sizeof(Told));
}

// ---------------------------------------------------------------- in the child

void Box::move_childs_end(int fd) {
  childs_end_.release();
  childs_end_.reset(fd);
}

void Box::hold_files() {
  if (landlock_version_ == 0) return;
  const Status held = probe::hold_files(landlock_version_, writable_paths(sandbox_, environment_));
  told_->landlock = held.ok();
  if (!held) told_->landlock_error = held.error().code != 0 ? held.error().code : EINVAL;
}

// Where Landlock was promised and is not there: the filter must see to the files.
void Box::make_filter_without_landlock() {
  if (landlock_version_ == 0 || told_->landlock || !filter_trouble_.empty()) return;
  auto filter = ProbeFilter::make(sandbox_.kind, false);
  if (filter) filter_ = std::move(filter).value();
}

// 0 or an errno. From here on only expected calls are made, and those that Landlock allows.
int Box::install() {
  if (childs_end_.valid()) {
    if (const auto listener = seccomp::install_with_listener(filter_.with_listener())) {
      // Nobody would answer otherwise: what waits for an answer then fails with ENOSYS.
      if (!base::send_descriptor(childs_end_.get(), *listener)) return errno;
      ::close(*listener);
      told_->listener = true;
      return 0;
    }
    // Not here: an old kernel, or somebody else listens to this container (EBUSY).
  }
  const auto done =
      seccomp::install(filter_.without_listener(), seccomp::install_flags(seccomp::Filter()));
  return done ? 0 : std::max(done.error().code, 1);
}

bool Box::enter(std::string& refusal) {
  if (!wanted()) return true;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    told_->filter_error = errno;
  } else {
    hold_files();
    make_filter_without_landlock();
    filter_.set_process(::getpid());
    told_->filter_error = filter_trouble_.empty() ? install() : EINVAL;
  }
  told_->entered = true;
  childs_end_.reset();
  if (told_->filter_error == 0 || !required()) return true;
  refusal = why_no_filter();
  return false;
}

// ---------------------------------------------------------------- in the parent

void Box::started(pid_t child) {
  child_ = child;
  childs_end_.reset();
  filter_.set_process(child);
}

void Box::receive_listener() {
  const int listener = base::receive_descriptor(parents_end_.get(), /*wait=*/false);
  if (listener < 0 && errno == EAGAIN) return;
  if (listener >= 0) {
    listener_.reset(listener);
    make_filter_without_landlock();  // as the child did
    filter_.set_process(child_);
  }
  parents_end_.reset();
}

// False: nothing waits any more.
bool Box::answer_one() {
  pollfd event{listener_.get(), POLLIN, 0};
  if (::poll(&event, 1, 0) <= 0) return false;
  if ((event.revents & POLLIN) == 0) {
    listener_.reset();  // nobody is left who could call
    return false;
  }
  // The call may have been interrupted since: ENOENT, here and when it is answered.
  seccomp_notif call{};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
    return errno == EINTR || errno == ENOENT;
  const auto verdict = filter_.judge(call.data);
  const std::string name = seccomp::call_name(call.data.arch, call.data.nr);
  count(verdict.error != 0 ? refused_ : unexpected_, name);
  seccomp_notif_resp answer{};
  answer.id = call.id;
  if (verdict.error != 0) answer.error = -verdict.error;
  else answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  return true;
}

void Box::serve() {
  if (parents_end_.valid()) receive_listener();
  for (int i = 0; i < kCallsAtOnce && listener_.valid(); ++i)
    if (!answer_one()) return;
}

std::string Box::why_no_filter() const {
  std::string why = filter_trouble_;
  if (why.empty())
    why = errno_error("this host refuses a seccomp filter", told_->filter_error).message;
  return required() ? why + "; with probe.sandbox = \"best-effort\" the probe runs without it"
                    : why;
}

SandboxReport Box::report() const {
  SandboxReport report;
  if (!wanted()) {
    report.held = "none, because probe.sandbox is \"off\"";
    return report;
  }
  if (told_ == nullptr || !told_->entered) return report;
  const bool filter = told_->filter_error == 0;
  if (filter && told_->landlock) report.held = "seccomp and Landlock";
  else if (filter) report.held = "seccomp";
  else
    report.held =
        (told_->landlock ? "Landlock only, because " : "none, because ") + why_no_filter();
  if (filter && told_->landlock_error != 0)
    report.held += " (" + errno_error("Landlock", told_->landlock_error).message + ")";
  if (filter && !told_->listener) report.held += "; the names of refused calls are not known here";
  report.refused = in_words(refused_);
  report.unexpected = in_words(unexpected_);
  return report;
}

}  // namespace gpuinit::probe
