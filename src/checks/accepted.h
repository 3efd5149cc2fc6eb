// What the policy accepts ([[accept]]), and what it no longer has to.
#pragma once

#include <string_view>
#include <vector>

#include "checks/check.h"

namespace gpuinit::checks {

class Accepted {
 public:
  explicit Accepted(const Context& context);

  // A failure or warning all of which is accepted becomes kAccepted. One whose acceptance has ended
  // says so.
  void heed(Finding& finding);

  // Of the check that ran: a warning for each entry that was for none of these, its findings. What
  // is undecided or skipped may have been what an entry is for.
  void add_idle(const Findings& findings, std::vector<Finding>& all) const;

 private:
  const Context& context_;
  std::vector<const Accept*> used_;
};

}  // namespace gpuinit::checks
