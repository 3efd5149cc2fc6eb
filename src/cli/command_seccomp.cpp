#include "cli/command_seccomp.h"

#include <sys/syscall.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "base/root_fs.h"
#include "base/text.h"
#include "seccomp/profile.h"
#include "seccomp/target_context.h"

namespace gpuinit::cli {

namespace {

// "seccomp.deny (/etc/gpuinit/policy.toml:3)"
std::string key_with_origin(const policy::LoadedPolicy& loaded, const std::string& name) {
  const auto origin = loaded.origins.find(name);
  return name + " (" + (origin == loaded.origins.end() ? "built in" : origin->second) + ")";
}

Status check_keys(const policy::LoadedPolicy& loaded) {
  const Policy& policy = loaded.policy;
  if (policy.seccomp.base != SeccompBase::kNone && !policy.seccomp.profile.empty())
    return Error{key_with_origin(loaded, "seccomp.profile") + " and " +
                 key_with_origin(loaded, "seccomp.base") +
                 ": a filter starts from a profile or from a base, not from both"};
  for (const std::string& call : policy.seccomp.allow)
    if (std::find(policy.seccomp.deny.begin(), policy.seccomp.deny.end(), call) !=
        policy.seccomp.deny.end())
      return Error{key_with_origin(loaded, "seccomp.allow") + " and " +
                   key_with_origin(loaded, "seccomp.deny") + " both name `" +
                   base::printable(call) + "`"};
  return Done{};
}

Result<seccomp::Profile> read_profile(const std::string& path, const seccomp::TargetContext& here) {
  auto text = base::read_own_file(path, seccomp::kMaxProfileBytes);
  if (!text) return std::move(text).error();
  auto profile = seccomp::parse_profile(*text, here);
  if (!profile) return std::move(profile).error().context(base::printable(path));
  return profile;
}

Result<seccomp::Profile> starting_point(const policy::LoadedPolicy& loaded,
                                        const seccomp::TargetContext& here) {
  const Policy& policy = loaded.policy;
  if (!policy.seccomp.profile.empty()) {
    auto profile = read_profile(policy.seccomp.profile, here);
    if (!profile)
      return std::move(profile).error().context(key_with_origin(loaded, "seccomp.profile"));
    return profile;
  }
  if (policy.seccomp.base == SeccompBase::kDockerDefault)
    return seccomp::Profile{seccomp::docker_default(here), {}};
  return seccomp::Profile{};
}

bool asks_for_a_filter(const Policy& policy) {
  return policy.seccomp.base != SeccompBase::kNone || !policy.seccomp.profile.empty() ||
         !policy.seccomp.deny.empty();
}

void log_what_was_made(const CommandSeccomp& made, std::chrono::nanoseconds took) {
  if (!base::verbose_log_enabled()) return;
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  base::log_verbose("seccomp: " + std::to_string(made.filter.rules.size()) + " rules, " +
                    std::to_string(made.compiled.program.size()) + " instructions, made in " +
                    std::to_string(microseconds) + " us");
  if (made.compiled.no_new_privs)
    base::log_verbose(
        "seccomp: without CAP_SYS_ADMIN the kernel takes a filter only together with "
        "no_new_privs: set-uid programs such as sudo will not work in the command");
  if (!made.unknown_names.empty())
    base::log_verbose("seccomp: names of the profile that are not system calls here: " +
                      base::printable(base::join_with(made.unknown_names, " "), 2000));
}

}  // namespace

std::string call_problem(const std::string& name) {
  return seccomp::is_call_name(name) ? "" : seccomp::no_such_call(name);
}

Result<std::optional<CommandSeccomp>> command_seccomp(const policy::LoadedPolicy& loaded) {
  const Policy& policy = loaded.policy;
  if (auto done = check_keys(loaded); !done) return std::move(done).error();
  if (!asks_for_a_filter(policy)) return std::optional<CommandSeccomp>();
  const auto start = std::chrono::steady_clock::now();
  const seccomp::TargetContext here = seccomp::read_target_context();
  auto profile = starting_point(loaded, here);
  if (!profile) return std::move(profile).error();
  CommandSeccomp made{std::move(profile->filter), std::move(profile->unknown_names), {}};
  for (const std::string& call : policy.seccomp.allow) seccomp::allow_call(made.filter, call);
  for (const std::string& call : policy.seccomp.deny) seccomp::deny_call(made.filter, call);
  if (policy.seccomp.log) made.filter.log = true;

  auto program = seccomp::compile(made.filter);
  if (!program) return std::move(program).error();
  if (seccomp::allows(*program, SYS_execve) == seccomp::Allows::kNever)
    return Error{"[seccomp] denies execve, so that no command could be started"};
  made.compiled.program = std::move(program).value();
  made.compiled.flags = seccomp::install_flags(made.filter);
  made.compiled.no_new_privs = here.needs_no_new_privs;
  log_what_was_made(made, std::chrono::steady_clock::now() - start);
  return std::optional(std::move(made));
}

std::string describe_command_seccomp(const std::optional<CommandSeccomp>& made) {
  if (!made) return "";
  std::string text =
      "\n# The command's system calls here and now, with the capabilities it can have:\n";
  const std::string description = seccomp::describe(made->filter);
  for (const auto line : base::split_lines(description))
    if (!line.empty()) text.append("# ").append(line).append("\n");
  if (!made->unknown_names.empty())
    text += "# names of the profile that are not system calls here: " +
            base::printable(base::join_with(made->unknown_names, " "), 2000) + "\n";
  return text;
}

}  // namespace gpuinit::cli
