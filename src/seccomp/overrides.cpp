// Adds a single call to what a filter allows, or takes it away.
#include <algorithm>

#include "base/text.h"
#include "seccomp/filter.h"

namespace gpuinit::seccomp {

namespace {

// socketcall(2) and ipc(2).
constexpr std::string_view kThroughSocketcall =
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg "
    "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket socketpair";
constexpr std::string_view kThroughIpc =
    "semop semget semctl semtimedop msgsnd msgrcv msgget msgctl shmat shmdt shmget shmctl";

bool among(std::string_view words, std::string_view word) {
  const auto list = base::split_words(words);
  return std::find(list.begin(), list.end(), word) != list.end();
}

void remove_rules(Filter& filter, std::string_view call) {
  std::erase_if(filter.rules, [&](const Rule& rule) { return rule.call == call; });
}

void remove_permission(Filter& filter, std::string_view call) {
  std::erase_if(filter.rules, [&](const Rule& rule) {
    return rule.call == call && (rule.action == Action::kAllow || rule.action == Action::kLog);
  });
}

}  // namespace

void allow_call(Filter& filter, const std::string& call) {
  remove_rules(filter, call);
  filter.rules.push_back({call, Action::kAllow, 0, {}});
}

void deny_call(Filter& filter, const std::string& call) {
  remove_rules(filter, call);
  filter.rules.push_back({call, Action::kError, EPERM, {}});
  if (among(kThroughSocketcall, call)) remove_permission(filter, "socketcall");
  if (among(kThroughIpc, call)) remove_permission(filter, "ipc");
}

}  // namespace gpuinit::seccomp
