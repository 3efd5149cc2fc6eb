// Policy text: must be refused or loaded, and what it changed must survive being printed and
// loaded again.
// Input: the first byte is 'f' for a file, 'l' for one that may lock, with the settings of
// GPUINIT_SET behind a NUL; 'k' for lines whose first byte picks a key and whose rest is its value;
// anything else for settings.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "fuzz/require.h"
#include "policy/keys.h"
#include "policy/layers.h"

namespace {

using gpuinit::CheckInfo;
using gpuinit::fuzz::require;
using gpuinit::fuzz::require_printable;
using gpuinit::policy::Key;
using gpuinit::policy::KeyTable;
using gpuinit::policy::Layers;
using gpuinit::policy::LoadedPolicy;
using gpuinit::policy::toml_text;

// The keys of all checks are alike: these stand for them.
std::span<const CheckInfo> catalogue() {
  static constexpr CheckInfo kChecks[] = {{.id = "python.abi"}, {.id = "device.arch-x"}};
  return kChecks;
}

// Made once: they describe every key.
const Layers& built_in() {
  static const Layers layers(catalogue, {});
  return layers;
}
const KeyTable& keys() {
  static const KeyTable table(catalogue());
  return table;
}

void add_setting(Layers& layers, const std::string& setting) {
  if (auto done = layers.add_setting(setting, "--set"); !done)
    require_printable(done.error().message);
}

void add_settings(Layers& layers, std::string_view text) {
  for (const auto& setting : gpuinit::policy::split_settings(text)) add_setting(layers, setting);
}

void add_values(Layers& layers, std::string_view text) {
  for (const auto line : gpuinit::base::split(text, '\n')) {
    if (line.empty()) continue;
    const std::size_t picked = static_cast<unsigned char>(line[0]) % keys().keys().size();
    add_setting(layers, keys().keys()[picked].name + "=" + std::string(line.substr(1)));
  }
}

bool add_file(Layers& layers, std::string_view text, Layers::Lock lock) {
  const auto end = text.find('\0');
  if (auto done = layers.add_file("f", text.substr(0, end), lock); !done) {
    for (const auto problem : gpuinit::base::split_lines(done.error().message))
      require_printable(std::string(problem));
    return false;
  }
  if (end != text.npos) add_settings(layers, text.substr(end + 1));
  return true;
}

// Of the keys that were set; of all where `everything`, which costs a hundred times as much.
void require_same_when_loaded_again(const LoadedPolicy& loaded, bool everything) {
  if (loaded.origins.empty() && !everything) return;
  std::string text = "version = 1\n";
  KeyTable table = keys();  // names of distributions come to it
  for (const auto& [name, origin] : loaded.origins) {
    table.take_in(name);
    const Key* key = table.find(name);
    require(key != nullptr, "what was set is not a key");
    const auto dot = name.find('.');
    text += name.substr(0, dot) + ".\"" + name.substr(dot + 1) + "\"";
    text += " = " + toml_text(get(*key, loaded.policy)) + "\n";
  }
  Layers again = built_in();
  require(again.add_file("printed", everything ? print_policy(loaded) : text).ok(),
          "what was printed does not load");
  for (const auto& [name, origin] : loaded.origins)
    require(toml_text(get(*table.find(name), loaded.policy)) ==
                toml_text(get(*table.find(name), again.loaded().policy)),
            "a value changed by printing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Layers layers = built_in();
  if (data[0] == 'f' && !add_file(layers, text, Layers::Lock::kMayNot)) return 0;
  if (data[0] == 'l' && !add_file(layers, text, Layers::Lock::kMayLock)) return 0;
  if (data[0] == 'k') add_values(layers, text);
  else if (data[0] != 'f' && data[0] != 'l') add_settings(layers, text);
  const bool everything = size % 64 == 0;
  require_same_when_loaded_again(layers.loaded(), everything);
  if (everything)
    require(gpuinit::base::parse_json(gpuinit::base::print_json(policy_json(layers.loaded()))).ok(),
            "the JSON does not parse");
  return 0;
}
