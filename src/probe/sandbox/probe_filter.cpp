#include "probe/sandbox/probe_filter.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "probe/sandbox/sandbox_calls.h"

namespace gpuinit::probe {

namespace {

using seccomp::Action;
using seccomp::Filter;
using seccomp::Program;
using seccomp::Rule;

// Marks are errors that no call fails with; the largest the kernel takes is 4095.
constexpr int kLetThrough = 2000;
constexpr int kUnexpected = 2001;
constexpr int kRefused = 3000;  // and the error

// No process has this id (pid_max is at most 2^22); it is replaced.
constexpr std::uint32_t kAnyProcess = 0x5EC0'77FF;

constexpr std::uint32_t error_action(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

bool is_mark(std::uint32_t action, int mark) { return action == error_action(mark); }

bool is_refusal(std::uint32_t action) {
  return action > error_action(kRefused) && action < error_action(kRefused + 1000);
}

void mark_refused(std::vector<Rule>& rules) {
  for (Rule& rule : rules)
    if (rule.error != ENOSYS) rule.error += kRefused;
}

// A program whose "allow" means that the next one is asked.
void chain_programs(Program& program) {
  for (std::size_t at = 0; at < program.size(); ++at)
    if (program[at].code == (BPF_RET | BPF_K) && program[at].k == SECCOMP_RET_ALLOW)
      program[at] = BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(program.size() - at - 1));
}

// Appends the rules, one program for every few: the time to compile grows with the square
// of their number.
Status append(Program& program, const std::vector<Rule>& rules) {
  constexpr std::size_t kRulesAtOnce = 40;
  for (std::size_t first = 0; first < rules.size(); first += kRulesAtOnce) {
    Filter part;
    const std::size_t last = std::min(rules.size(), first + kRulesAtOnce);
    part.rules.assign(rules.begin() + static_cast<std::ptrdiff_t>(first),
                      rules.begin() + static_cast<std::ptrdiff_t>(last));
    auto compiled = seccomp::compile(part);
    if (!compiled) return std::move(compiled).error();
    chain_programs(*compiled);
    program.insert(program.end(), compiled->begin(), compiled->end());
  }
  return Done{};
}

// Every return value through `replace`.
template <class Replace>
Program replaced(Program program, Replace replace) {
  for (sock_filter& step : program)
    if (step.code == (BPF_RET | BPF_K)) step.k = replace(step.k);
  return program;
}

}  // namespace

Result<ProbeFilter> ProbeFilter::make(Sandbox::Kind kind, bool landlock) {
  std::vector<Rule> own = calls_about_itself(kAnyProcess);
  for (Rule& rule : own) rule.error = kLetThrough;

  std::vector<Rule> refused = refused_calls();
  for (auto& rule : refused_attribute_changes(kind)) refused.push_back(std::move(rule));
  if (!landlock)
    for (auto& rule : refused_file_changes(kind)) refused.push_back(std::move(rule));
  mark_refused(refused);

  std::vector<Rule> expected;
  for (const std::string_view call : expected_calls(kind))
    if (seccomp::is_call_name(call))
      expected.push_back({std::string(call), Action::kError, kLetThrough, {}});

  // The first program that has a rule for the call decides.
  ProbeFilter filter;
  for (const auto* rules : {&own, &refused, &expected})
    if (auto done = append(filter.marked_, *rules); !done) return std::move(done).error();
  filter.marked_.push_back(BPF_STMT(BPF_RET | BPF_K, error_action(kUnexpected)));
  if (filter.marked_.size() > BPF_MAXINSNS) return Error{"the probe's filter is too large"};
  return filter;
}

void ProbeFilter::set_process(pid_t process) {
  for (sock_filter& step : marked_)
    if (step.code == (BPF_JMP | BPF_JEQ | BPF_K) && step.k == kAnyProcess)
      step.k = static_cast<std::uint32_t>(process);
}

Program ProbeFilter::with_listener() const {
  return replaced(marked_, [](std::uint32_t action) -> std::uint32_t {
    if (is_mark(action, kLetThrough)) return SECCOMP_RET_ALLOW;
    if (is_mark(action, kUnexpected) || is_refusal(action)) return SECCOMP_RET_USER_NOTIF;
    return action;
  });
}

Program ProbeFilter::without_listener() const {
  return replaced(marked_, [](std::uint32_t action) -> std::uint32_t {
    if (is_mark(action, kLetThrough) || is_mark(action, kUnexpected)) return SECCOMP_RET_ALLOW;
    return is_refusal(action) ? action - kRefused : action;
  });
}

int ProbeFilter::refusal(const seccomp_data& call) const {
  const std::uint32_t action = seccomp::evaluate(marked_, call);
  return is_refusal(action) ? static_cast<int>(action - error_action(kRefused)) : 0;
}

}  // namespace gpuinit::probe
