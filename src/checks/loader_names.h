// What the checks of the loader share: when they apply, and how a file of it is spoken of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "checks/check.h"
#include "gpuinit/facts.h"

namespace gpuinit::checks {

// Why a check of the loader has nothing to say; no value: it has.
std::optional<Finding> loader_not_judged(const Context& context, std::string_view id);

// Of glibc itself: libc.so.6, libm.so.6, ld-linux-x86-64.so.2, …
bool is_of_glibc(std::string_view library);
// Of CUDA, not of its driver: libcudart, libcublas, libnvJitLink, libnccl, …
bool is_of_cuda(std::string_view library);

// The file's name with as much of its directory as tells: "torch/lib/libc10.so".
std::string short_path(const Context& context, const std::string& path);

// How a library of that name gets into an image; "" if that is not known.
std::string how_to_install(const Context& context, std::string_view library);

// The library that answers to `name`; nullptr: none does.
const LoadedLibrary* loaded(const LoaderFacts& loader, std::string_view name);

}  // namespace gpuinit::checks
