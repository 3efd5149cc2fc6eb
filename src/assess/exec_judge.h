// Judges what a command comes to that could not be followed beforehand: each program that a
// process of its tree execs, as it really starts.
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>

#include "assess/assess.h"
#include "gpuinit/at_exec.h"
#include "gpuinit/policy.h"

namespace gpuinit::assess {

// True if the files do not show what the command will run.
bool start_is_unclear(const ImageFacts& image, const Policy& policy);

// True if the checks have something to say about the program that starts.
bool is_worth_judging(const ImageFacts& image);

class ExecJudge {
 public:
  using Report = std::function<void(const Assessment&)>;

  // `earlier`: the node that was asked at the start.
  ExecJudge(Policy policy, AskedNode earlier, Report report)
      : policy_(std::move(policy)), earlier_(std::move(earlier)), report_(std::move(report)) {}

  // Of a process that is stopped in its exec. Looks at its name, and each program once.
  AtExec at_exec(pid_t pid);

  // Reads the image and asks the node, which may take seconds; reports what it finds. Returns a
  // Judgement. In a child process, since it takes on the rights of the process.
  int judge(pid_t pid) const;

 private:
  Policy policy_;
  AskedNode earlier_;
  Report report_;
  std::set<std::string> looked_at_;  // a program, with what the loader adds to it
};

}  // namespace gpuinit::assess
