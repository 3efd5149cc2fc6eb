// What a distribution requires of another: "nvidia-cublas-cu12==12.8.4.1; platform_system ==
// "Linux"". Pure. Source: PEP 508 ("Dependency specifiers" of the PyPA specifications), with
// the parentheses around versions that metadata before 2023 has.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rules/python_version.h"

namespace gpuinit::rules {

struct PythonRequirement {
  std::string name;        // normalised
  std::string extras;      // as between the brackets
  std::string specifiers;  // "<14,>=13.0.3"; empty: any version
  std::string url;         // of NAME @ URL; empty if there is none
  std::string marker;      // behind ';'; empty: always
};
std::optional<PythonRequirement> parse_python_requirement(std::string_view text);

// Marker variable → value, "sys_platform" → "linux". What is not in it is unknown.
using MarkerVariables = std::map<std::string, std::string, std::less<>>;

// Those of CPython on Linux; `version` is "3.12.4" or "3.12", "" if it is not known, and
// `machine` "x86_64". `extra` is empty: an installed distribution does not record which were asked
// for.
MarkerVariables linux_markers(std::string_view version, std::string_view machine);

// kUnknown for what is not understood and for what hangs on an unknown variable. An empty
// marker is kYes.
Tristate holds_marker(std::string_view marker, const MarkerVariables& variables);

}  // namespace gpuinit::rules
