// What the checks of the loader share: when they apply, names of libraries, missing versions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checks/check.h"
#include "checks/installed_packages.h"
#include "gpuinit/facts.h"

namespace gpuinit::checks {

// Why a check of the loader does not apply, as a finding; nullopt if what it does is known.
std::optional<Finding> loader_not_read(const Context& context);

// Of glibc itself: libc.so.6, libm.so.6, ld-linux-x86-64.so.2, …
bool is_of_glibc(std::string_view library);
// Of CUDA, not of its driver: libcudart, libcublas, libnvJitLink, libnccl, …
bool is_of_cuda(std::string_view library);

// The file's name with as much of its directory as it takes to know it: "torch/lib/libc10.so".
std::string short_path(const Context& context, const std::string& path);

// The command that installs the release of it that torch's metadata requires. Empty if it
// names none.
std::string as_torch_asks(const Context& context, std::string_view library);

// The release of it that torch's metadata requires.
std::optional<rules::PythonRequirement> torch_requires(const Installed& installed,
                                                       std::string_view library);

// How a library of that name gets into an image. Empty if that is not known.
std::string how_to_install(const Context& context, std::string_view library);

// What to do where the loader said (MissingLibrary::reason) that it makes no stack executable.
// Empty: it said something else.
std::string executable_stack_fix(std::string_view reason);

// The library that answers to `name`. Null if no library does.
const LoadedLibrary* loaded(const LoaderFacts& loader, std::string_view name);

// The library that should have had a symbol: the one that its version names or, without a version,
// the one whose name it has in front (ncclCommResume: libnccl). Null if it cannot be told.
const LoadedLibrary* provider_of(const LoaderFacts& loader, const UndefinedSymbol& symbol);

// "nvidia-nccl-cu12 2.27.3, nvidia-nccl-cu13 2.30.7": what is installed that brings a library of
// that name. Empty if nothing is known to.
std::string installed_for(const Context& context, std::string_view library);

// Symbol versions that a library needs and the one that is loaded does not have: glibc's own,
// or those of all others. Requires: the loader's facts are known.
std::vector<MissingVersion> missing_versions(const Context& context, bool of_glibc);

// The failure for them, without a cure.
Finding version_missing(const Context& context, const std::vector<MissingVersion>& missing,
                        std::string summary);

}  // namespace gpuinit::checks
