// The parts of the catalogue, one for each family of checks; catalogue.cpp puts them in order.
#pragma once

#include <span>

#include "gpuinit/check_info.h"

namespace gpuinit::checks {

std::span<const CheckInfo> image_texts();
std::span<const CheckInfo> loader_texts();
std::span<const CheckInfo> extension_texts();
std::span<const CheckInfo> cuda_texts();
std::span<const CheckInfo> environment_texts();
std::span<const CheckInfo> device_texts();
std::span<const CheckInfo> probe_texts();
std::span<const CheckInfo> expect_texts();

}  // namespace gpuinit::checks
