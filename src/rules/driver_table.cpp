// What driver_table.h says, of the rows in tables/driver_releases.h.
#include "rules/driver_table.h"

#include <iterator>

#include "rules/tables/driver_releases.h"

namespace gpuinit::rules {

namespace {

using tables::DriverRelease;
using tables::kDriverReleases;

Version cuda_of(const DriverRelease& release) {
  return Version{{release.cuda_major, release.cuda_minor}, ""};
}

Version version_of(const tables::DriverNumber& driver) {
  Version version{{driver.branch, driver.second, driver.third}, ""};
  while (version.numbers.back() == 0) version.numbers.pop_back();
  return version;
}

}  // namespace

std::optional<NativeCuda> native_cuda_of_driver(const Version& driver) {
  const DriverRelease* best = nullptr;
  for (const DriverRelease& release : kDriverReleases)
    if (release.driver.branch != 0 && release.driver.branch <= driver.major()) best = &release;
  if (best == nullptr) return std::nullopt;
  return NativeCuda{cuda_of(*best), best->driver.branch == driver.major()};
}

std::optional<Version> family_floor(unsigned cuda_major) {
  for (const tables::FamilyFloor& row : tables::kFamilyFloors)
    if (row.cuda_major == cuda_major) return version_of(row.driver);
  return std::nullopt;
}

std::optional<Version> driver_for_cuda(const Version& cuda) {
  for (const DriverRelease& release : kDriverReleases)
    if (release.cuda_major == cuda.major() && release.cuda_minor == cuda.minor() &&
        release.driver.branch != 0)
      return version_of(release.driver);
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
  for (const DriverRelease& release : kDriverReleases) {
    const Version known{{release.isa_major, release.isa_minor}, ""};
    // An ISA version between two rows (5.1) loads where the next one does.
    if (isa <= known) return PtxSupport{cuda_of(release), true};
  }
  const DriverRelease& newest = *std::rbegin(kDriverReleases);
  // One minor version on is the least that can be.
  return PtxSupport{Version{{newest.cuda_major, newest.cuda_minor + 1U}, ""}, false};
}

Version cuda_that_loads_ptx_of(const Version& cuda) {
  for (const DriverRelease& release : kDriverReleases) {
    if (release.cuda_major != cuda.major() || release.cuda_minor != cuda.minor()) continue;
    return cuda_for_ptx_isa(Version{{release.isa_major, release.isa_minor}, ""})->cuda;
  }
  return Version{{cuda.major(), cuda.minor()}, ""};
}

}  // namespace gpuinit::rules
