// Policy text: must be refused or loaded, and what was loaded must survive
// being printed and loaded again.
// Input: the first byte is 'f' for a file; otherwise settings, as in GPUINIT_SET.
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "checks/run_checks.h"
#include "fuzz/require.h"
#include "policy/layers.h"

namespace {

using gpuinit::fuzz::require;
using gpuinit::fuzz::require_printable;
using gpuinit::policy::Layers;
using gpuinit::policy::toml_text;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Layers layers(gpuinit::checks::catalogue, {});
  if (data[0] == 'f') {
    if (auto done = layers.add_file("f", text); !done) {
      require_printable(done.error().message);
      return 0;
    }
  } else {
    for (const auto& setting : gpuinit::policy::split_settings(text))
      if (auto done = layers.add_setting(setting, "--set"); !done)
        require_printable(done.error().message);
  }

  const auto loaded = layers.loaded();
  Layers again(gpuinit::checks::catalogue, {});
  require(again.add_file("printed", print_policy(loaded)).ok(), "what was printed does not load");
  const auto reloaded = again.loaded();
  const auto keys = loaded.keys();
  const auto keys_again = reloaded.keys();
  for (std::size_t i = 0; i < keys.size(); ++i)
    require(toml_text(keys[i].value) == toml_text(keys_again[i].value),
            "a value changed by printing");
  require(gpuinit::base::parse_json(gpuinit::base::print_json(policy_json(loaded))).ok(),
          "the JSON does not parse");
  return 0;
}
