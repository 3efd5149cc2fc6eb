// The names that the values of an enumeration have in a policy: one table for each enumeration,
// from which reading, writing and messages follow.
#pragma once

#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "gpuinit/policy.h"

namespace gpuinit::policy {

template <class E>
struct EnumName {
  std::string_view name;
  E value;
};

template <class E>
inline constexpr EnumName<E> kEnumNames[1] = {};
template <>
inline constexpr EnumName<Level> kEnumNames<Level>[] = {
    {"fail", Level::kFail}, {"warn", Level::kWarn}, {"off", Level::kOff}};
template <>
inline constexpr EnumName<Undecided> kEnumNames<Undecided>[] = {
    {"ok", Undecided::kOk}, {"warn", Undecided::kWarn}, {"fail", Undecided::kFail}};
template <>
inline constexpr EnumName<GpuRequired> kEnumNames<GpuRequired>[] = {
    {"auto", GpuRequired::kAuto}, {"yes", GpuRequired::kYes}, {"no", GpuRequired::kNo}};
template <>
inline constexpr EnumName<GpuMig> kEnumNames<GpuMig>[] = {
    {"any", GpuMig::kAny}, {"no", GpuMig::kNo}, {"yes", GpuMig::kYes}};
template <>
inline constexpr EnumName<LaunchMode> kEnumNames<LaunchMode>[] = {
    {"exec", LaunchMode::kExec}, {"supervise", LaunchMode::kSupervise}};
template <>
inline constexpr EnumName<Follow> kEnumNames<Follow>[] = {{"auto", Follow::kAuto},
                                                          {"off", Follow::kOff}};
template <>
inline constexpr EnumName<SignalTarget> kEnumNames<SignalTarget>[] = {
    {"process", SignalTarget::kProcess}, {"group", SignalTarget::kGroup}};
template <>
inline constexpr EnumName<PythonProbe> kEnumNames<PythonProbe>[] = {
    {"off", PythonProbe::kOff},
    {"environment", PythonProbe::kEnvironment},
    {"import", PythonProbe::kImport}};
template <>
inline constexpr EnumName<Pages> kEnumNames<Pages>[] = {
    {"auto", Pages::kAuto}, {"seal", Pages::kSeal}, {"off", Pages::kOff}};

template <>
inline constexpr EnumName<ProbeSandbox> kEnumNames<ProbeSandbox>[] = {
    {"required", ProbeSandbox::kRequired},
    {"best-effort", ProbeSandbox::kBestEffort},
    {"off", ProbeSandbox::kOff}};
template <>
inline constexpr EnumName<SeccompBase> kEnumNames<SeccompBase>[] = {
    {"none", SeccompBase::kNone}, {"docker-default", SeccompBase::kDockerDefault}};
template <>
inline constexpr EnumName<WaitFor> kEnumNames<WaitFor>[] = {
    {"system-not-ready", WaitFor::kSystemNotReady},
    {"no-device", WaitFor::kNoDevice},
    {"busy", WaitFor::kBusy}};

template <class E>
std::string enum_name(E value) {
  for (const auto& [name, named] : kEnumNames<E>)
    if (named == value) return std::string(name);
  return "an unnamed value";
}

// nullopt if no value has that name.
template <class E>
std::optional<E> enum_value(std::string_view text) {
  for (const auto& [name, value] : kEnumNames<E>)
    if (name == text) return value;
  return std::nullopt;
}

// `"fail", "warn" or "off"`
template <class E>
std::string enum_choice() {
  std::string text;
  for (const auto& row : kEnumNames<E>)
    text += (text.empty()                          ? "\""
             : &row + 1 == std::end(kEnumNames<E>) ? " or \""
                                                   : ", \"") +
            std::string(row.name) + '"';
  return text;
}

}  // namespace gpuinit::policy
