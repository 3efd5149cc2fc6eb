// The tables behind driver_table.h.
#include "rules/driver_table.h"

#include <array>

namespace gpuinit::rules {

namespace {

struct Release {
  unsigned cuda_major;
  unsigned cuda_minor;
  unsigned isa_major;  // the PTX ISA that its toolkit writes and its driver loads
  unsigned isa_minor;
  std::array<unsigned, 3> driver;  // of the first release; driver[0] is the branch
};

// In rising order in every column. 12.7 exists as driver branch 565 only, its
// first release was 565.57.01.
// The numbers of 13.4 (branch 615) come from NVIDIA's container images, the
// release notes' exact number was not to be had; only the branch counts here.
constexpr std::array<Release, 32> kReleases{{
    {8, 0, 5, 0, {375, 26, 0}},  {9, 0, 6, 0, {384, 81, 0}},   {9, 1, 6, 1, {390, 46, 0}},
    {9, 2, 6, 2, {396, 26, 0}},  {10, 0, 6, 3, {410, 48, 0}},  {10, 1, 6, 4, {418, 39, 0}},
    {10, 2, 6, 5, {440, 33, 0}}, {11, 0, 7, 0, {450, 36, 6}},  {11, 1, 7, 1, {455, 23, 0}},
    {11, 2, 7, 2, {460, 27, 3}}, {11, 3, 7, 3, {465, 19, 1}},  {11, 4, 7, 4, {470, 42, 1}},
    {11, 5, 7, 5, {495, 29, 5}}, {11, 6, 7, 6, {510, 39, 1}},  {11, 7, 7, 7, {515, 43, 4}},
    {11, 8, 7, 8, {520, 61, 5}}, {12, 0, 8, 0, {525, 60, 13}}, {12, 1, 8, 1, {530, 30, 2}},
    {12, 2, 8, 2, {535, 54, 3}}, {12, 3, 8, 3, {545, 23, 6}},  {12, 4, 8, 4, {550, 54, 14}},
    {12, 5, 8, 5, {555, 42, 2}}, {12, 6, 8, 5, {560, 28, 3}},  {12, 7, 8, 6, {565, 57, 1}},
    {12, 8, 8, 7, {570, 26, 0}}, {12, 9, 8, 8, {575, 51, 3}},  {13, 0, 9, 0, {580, 65, 6}},
    {13, 1, 9, 1, {590, 44, 1}}, {13, 2, 9, 2, {595, 45, 4}},  {13, 3, 9, 3, {610, 43, 2}},
    {13, 4, 9, 4, {615, 0, 0}},  {13, 5, 9, 5, {0, 0, 0}},
}};
// 13.5 is known by its PTX ISA alone; its driver branch is in no source yet.

Version cuda_of(const Release& release) {
  return Version{{release.cuda_major, release.cuda_minor}, ""};
}

}  // namespace

std::optional<NativeCuda> native_cuda_of_driver(const Version& driver) {
  const Release* best = nullptr;
  for (const Release& release : kReleases)
    if (release.driver[0] != 0 && release.driver[0] <= driver.major()) best = &release;
  if (best == nullptr) return std::nullopt;
  return NativeCuda{cuda_of(*best), best->driver[0] == driver.major()};
}

std::optional<Version> family_floor(unsigned cuda_major) {
  switch (cuda_major) {
    case 11:
      return Version{{450, 80, 2}, ""};
    case 12:
      return Version{{525, 60, 13}, ""};
    case 13:
      return Version{{580}, ""};
    default:
      return std::nullopt;
  }
}

std::optional<Version> driver_for_cuda(const Version& cuda) {
  for (const Release& release : kReleases) {
    if (release.cuda_major != cuda.major() || release.cuda_minor != cuda.minor()) continue;
    if (release.driver[0] == 0) return std::nullopt;
    Version driver{{release.driver.begin(), release.driver.end()}, ""};
    while (driver.numbers.back() == 0) driver.numbers.pop_back();
    return driver;
  }
  return std::nullopt;
}

std::string driver_text(const Version& driver) {
  std::string text;
  for (std::size_t i = 0; i < driver.numbers.size(); ++i) {
    if (i > 0) text += '.';
    if (i >= 2 && driver.numbers[i] < 10) text += '0';
    text += std::to_string(driver.numbers[i]);
  }
  return text;
}

std::optional<PtxSupport> cuda_for_ptx_isa(const Version& isa) {
  for (const Release& release : kReleases) {
    const Version known{{release.isa_major, release.isa_minor}, ""};
    // An ISA version between two rows (5.1) loads where the next one does.
    if (isa <= known) return PtxSupport{cuda_of(release), true};
  }
  const Release& newest = kReleases.back();
  // One minor version on is the least that can be.
  return PtxSupport{Version{{newest.cuda_major, newest.cuda_minor + 1}, ""}, false};
}

Version cuda_that_loads_ptx_of(const Version& cuda) {
  for (const Release& release : kReleases) {
    if (release.cuda_major != cuda.major() || release.cuda_minor != cuda.minor()) continue;
    return cuda_for_ptx_isa(Version{{release.isa_major, release.isa_minor}, ""})->cuda;
  }
  return Version{{cuda.major(), cuda.minor()}, ""};
}

}  // namespace gpuinit::rules
