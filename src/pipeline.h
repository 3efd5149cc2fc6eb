// Facts → findings → verdict: the order in which the rooms are asked.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gpuinit/facts.h"
#include "gpuinit/finding.h"
#include "gpuinit/policy.h"
#include "gpuinit/result.h"

namespace gpuinit {

struct Question {
  std::vector<std::string> command;  // may be empty
  std::map<std::string, std::string> environment;
  std::string root = "/";
  std::string node_file;  // empty: ask this machine
  // Ask the driver even if nothing in the image needs a GPU (--facts).
  bool always_probe = false;
  // Called as soon as the image has been read, before anybody asks the driver; may be empty.
  std::function<void(const ImageFacts&)> image_is_known;
};

// Milliseconds a step took, in the order of the steps.
using Timings = std::vector<std::pair<std::string, double>>;

struct Judgement {
  Facts facts;
  std::vector<Finding> findings;
  Verdict verdict;
  Timings timings;
};

// Reads image and node. Errors are about the question itself: a root that is no
// directory, a node file that cannot be understood. All else is a fact.
Result<Facts> gather_facts(const Question& question, const Policy& policy, Timings& timings);

Result<Judgement> judge(const Question& question, const Policy& policy);

}  // namespace gpuinit
