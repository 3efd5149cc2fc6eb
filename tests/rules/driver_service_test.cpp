#include "rules/driver_service.h"

#include <gtest/gtest.h>

namespace gpuinit::rules {
namespace {

using Because = ServiceAnswer::Because;

Version v(std::string_view text) { return parse_version(text).value_or(Version{{0}, ""}); }

DriverStack driver(std::string_view kernel, std::string_view cuda) {
  DriverStack stack;
  stack.cuda = {v(cuda), true};
  if (!kernel.empty()) stack.kernel = v(kernel);
  return stack;
}

DriverStack compat(std::string_view kernel, std::string_view libcuda, std::string_view cuda,
                   std::vector<int> branches) {
  DriverStack stack = driver(kernel, cuda);
  stack.forward_compat = true;
  stack.libcuda = v(libcuda);
  stack.supported_branches = std::move(branches);
  return stack;
}

struct Case {
  const char* name;
  const char* runtime;
  DriverStack stack;
  Service service;
  Because because = Because::kFits;
};

class DriverServes : public testing::TestWithParam<Case> {};

TEST_P(DriverServes, AsNvidiaSays) {
  const auto& [name, runtime, stack, service, because] = GetParam();
  const auto answer = driver_serves(v(runtime), stack);
  EXPECT_EQ(answer.service, service);
  EXPECT_EQ(answer.because, because);
}

DriverStack lower_bound(std::string_view kernel, std::string_view cuda) {
  DriverStack stack = driver(kernel, cuda);
  stack.cuda.exact = false;
  return stack;
}

DriverStack initialised(DriverStack stack) {
  stack.initialises = true;
  return stack;
}

const Case kCases[] = {
    {"same", "12.8", driver("570.124.06", "12.8"), Service::kNewer},
    {"newer_family", "11.8", driver("580.65.06", "13.0"), Service::kNewer},
    {"minor", "12.8", driver("535.104.05", "12.2"), Service::kMinorVersion},
    {"minor_11", "11.8", driver("450.80.02", "11.0"), Service::kMinorVersion},
    {"below_the_floor", "11.8", driver("450.51.05", "11.0"), Service::kNo, Because::kBelowFloor},
    {"older_family", "12.8", driver("470.256.02", "11.4"), Service::kNo, Because::kOlderFamily},
    {"cuda_13_on_575", "13.0", driver("575.57.08", "12.9"), Service::kNo, Because::kOlderFamily},
    {"before_11_no_minor_compatibility", "10.2", driver("418.39", "10.1"), Service::kNo,
     Because::kBelowFloor},
    {"kernel_unknown_as_on_wsl", "12.8", driver("", "12.2"), Service::kMinorVersion},
    {"lower_bound_is_enough", "13.1", lower_bound("600.1", "13.2"), Service::kNewer},
    {"lower_bound_is_not_enough", "13.5", lower_bound("700.1", "13.4"), Service::kUnknown,
     Because::kOnlyLowerBound},
    {"future_family", "14.3", driver("800.1", "14.1"), Service::kMinorVersion},
    {"compat_listed", "12.9", compat("535.104.05", "575.51.03", "12.9", {535, 550, 575}),
     Service::kForwardCompat},
    {"compat_not_listed", "12.9", compat("545.23.06", "575.51.03", "12.9", {535, 550, 575}),
     Service::kNo, Because::kBranchNotListed},
    {"compat_without_a_note", "12.4", compat("470.82.01", "550.54.14", "12.4", {}),
     Service::kForwardCompat},
    {"compat_older_than_the_kernel", "12.4", compat("580.65.06", "550.54.14", "12.4", {535, 550}),
     Service::kNo, Because::kCompatTooOld},
    {"compat_of_the_same_branch", "12.4", compat("550.90.07", "550.54.14", "12.4", {535}),
     Service::kForwardCompat},
    {"compat_that_initialised_is_right", "12.9",
     initialised(compat("545.23.06", "575.51.03", "12.9", {535})), Service::kForwardCompat},
    {"compat_too_old_for_the_runtime", "13.0", compat("535.104.05", "575.51.03", "12.9", {535}),
     Service::kNo, Because::kOlderFamily},
    {"compat_and_minor_version", "12.9", compat("470.82.01", "550.54.14", "12.4", {}),
     Service::kMinorVersion},
    {"compat_kernel_unknown", "12.9", compat("", "575.51.03", "12.9", {535}),
     Service::kForwardCompat},
};

INSTANTIATE_TEST_SUITE_P(Drivers, DriverServes, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gpuinit::rules
