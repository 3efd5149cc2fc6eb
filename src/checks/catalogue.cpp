// The texts behind `gpuinit --explain ID`, in the order of kCheckIds.
#include <algorithm>
#include <vector>

#include "checks/catalogue_texts.h"
#include "checks/run_checks.h"
#include "gpuinit/check_ids.h"

namespace gpuinit::checks {

namespace {

std::vector<CheckInfo> in_order() {
  std::vector<CheckInfo> all;
  for (const auto id : kCheckIds)
    for (const auto part : {image_texts(), loader_texts(), extension_texts(), cuda_texts(),
                            environment_texts(), device_texts(), probe_texts(), expect_texts()})
      for (const CheckInfo& text : part)
        if (text.id == id) all.push_back(text);
  for (CheckInfo& check : all)
    if (std::find(kChecksThatWarn.begin(), kChecksThatWarn.end(), check.id) !=
        kChecksThatWarn.end())
      check.level = Level::kWarn;
  return all;
}

}  // namespace

std::span<const CheckInfo> catalogue() {
  static const std::vector<CheckInfo> kAll = in_order();
  return kAll;
}

}  // namespace gpuinit::checks
