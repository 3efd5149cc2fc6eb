// python.packages: installations that got mixed up, whatever they require of each other.
#pragma once

#include <string>

#include "checks/check.h"
#include "checks/installed_packages.h"

namespace gpuinit::checks {

// torch, numpy, triton and NVIDIA's.
bool is_stack(const std::string& name);

// "torch 2.8.0"
std::string words(const Package& package);

// " (and 3 more)" of 4; empty of 1.
std::string and_more(std::size_t count);

// Two packages that installed other files at the same place: the later one is there.
void add_contested(const Installed& installed, const ImageFacts& image, Findings& findings);

// Two versions of one distribution in one directory: one of them is only half there. True if
// torch is among them.
bool add_duplicates(const ImageFacts& image, Findings& findings);

// A torch whose files are of another release than its metadata. True if there is one.
bool add_overwritten(const Installed& installed, const ImageFacts& image, Findings& findings);

// What was compiled for NumPy 1, beside a NumPy 2.
void add_old_numpy(const Context& context, const Installed& installed, Findings& findings);

}  // namespace gpuinit::checks
