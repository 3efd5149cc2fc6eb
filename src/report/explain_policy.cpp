#include "report/explain_policy.h"

#include "base/signal_name.h"
#include "base/text.h"
#include "report/explain.h"
#include "report/layout.h"

namespace gpuinit::report {

namespace {

constexpr std::size_t kIndent = 4;

// Those whose failure can end with that code.
std::vector<const CheckInfo*> checks_with(int code, std::span<const CheckInfo> checks) {
  std::vector<const CheckInfo*> found;
  for (const CheckInfo& check : checks)
    for (const auto word : base::split_words(check.exit_codes))
      if (word.substr(0, word.find(',')) == std::to_string(code)) found.push_back(&check);
  return found;
}

std::string signal_of(int code) {
  const int signal = code - kExitSignalBase;
  return signal > 0 && signal <= base::kLastSignal ? base::signal_name(signal) : "";
}

}  // namespace

std::string explain_key(const PolicyKey& key, std::size_t width) {
  return wrapped(key.name + ": ", key.meaning, kIndent, width) +
         wrapped("    takes ", key.takes, kIndent, width) + "    built in: " + key.built_in_text +
         "\n";
}

std::string explain_keys(std::span<const PolicyKey> keys, std::size_t width) {
  std::string text;
  for (const PolicyKey& key : keys) text += explain_key(key, width);
  return text + "\n" +
         wrapped(
             "",
             "Each of these lies over those before it: the built-in policy; "
             "/etc/gpuinit/policy.toml, then policy.d/*.toml, or in place of both what --policy "
             "or GPUINIT_POLICY names; GPUINIT_SET; --set. In a file: version = 1, then [gpu] "
             "and below it count = \"8\"; as a setting: --set gpu.count=8.",
             0, width);
}

base::JsonObject explain_keys_json(std::span<const PolicyKey> keys) {
  base::JsonArray list;
  for (const PolicyKey& key : keys)
    list.push_back(base::JsonObject{{"key", key.name},
                                    {"takes", key.takes},
                                    {"built_in", key.built_in},
                                    {"meaning", key.meaning}});
  return {{"keys", std::move(list)}};
}

std::string explain_exit_code(int code, const ExitCodeInfo& info, std::span<const CheckInfo> checks,
                              std::size_t width) {
  std::string meaning(info.meaning);
  if (const std::string signal = signal_of(code); !signal.empty()) meaning = "ended by " + signal;
  std::string text = wrapped(std::to_string(code) + " (" + std::string(info.name) + "): ", meaning,
                             kIndent, width) +
                     retry_words(info) + "\n";
  const auto found = checks_with(code, checks);
  if (!found.empty()) text += "\nWhat can end with it:\n";
  for (const CheckInfo* check : found)
    text += wrapped("  " + std::string(check->id) + ": ", check->title, kIndent, width);
  return text;
}

base::JsonObject explain_exit_code_json(int code, const ExitCodeInfo& info,
                                        std::span<const CheckInfo> checks) {
  base::JsonArray ids;
  for (const CheckInfo* check : checks_with(code, checks)) ids.emplace_back(check->id);
  return {{"code", code},
          {"name", info.name},
          {"meaning", info.meaning},
          {"retry", info.retry},
          {"checks", std::move(ids)}};
}

}  // namespace gpuinit::report
