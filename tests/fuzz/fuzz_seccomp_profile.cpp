// A seccomp profile: must be refused, or give a filter that can be described and, if it
// compiles, a program that the kernel would take.
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "seccomp/abis.h"
#include "seccomp/profile.h"

namespace {

using namespace gpuinit::seccomp;
using gpuinit::fuzz::require;
using gpuinit::fuzz::require_printable;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto profile = parse_profile(text, {0xa80425fb, {6, 1}, true});
  if (!profile) {
    require_printable(profile.error().message);
    return 0;
  }
  require(!describe(profile->filter).empty(), "a filter is described by nothing");
  // Thousands of rules are compiled in time that grows with their square.
  if (profile->filter.rules.size() > 200) return 0;
  const auto program = compile(profile->filter);
  if (!program) {
    require_printable(program.error().message);
    return 0;
  }
  require(program->size() <= BPF_MAXINSNS, "the program is too large");
  for (const Abi& abi : kAbis)
    for (unsigned number = 0; number < 500; ++number) {
      seccomp_data call{};
      call.nr = static_cast<int>(abi.first_number | number);
      call.arch = abi.audit_arch;
      evaluate(*program, call);
    }
  return 0;
}
