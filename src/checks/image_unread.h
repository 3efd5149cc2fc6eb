// What becomes of the findings where files of the image could not be read.
#pragma once

#include <string>
#include <vector>

#include "checks/check.h"
#include "gpuinit/finding.h"
#include "gpuinit/image_facts.h"

namespace gpuinit::checks {

// The first file that the system did not let be read: "the image could not be read: /a/libx.so:
// Input/output error". Empty if there is none: own limits are known where they are reached.
std::string why_image_is_unread(const ImageFacts& image);

// What a check of the image has to say becomes unknown for that reason: its failures and warnings,
// and that it has nothing to say. True if a failure is among them.
bool withhold(const Check& check, const std::string& unread, Findings& findings);

// image.readable's finding becomes the failure that the withheld ones are not, at the level that
// the policy gives it.
void stop_for_unread(std::vector<Finding>& findings, const Context& context);

}  // namespace gpuinit::checks
