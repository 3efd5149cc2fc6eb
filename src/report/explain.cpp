// See explain.h.
#include "report/explain.h"

#include <algorithm>

#include "gpuinit/exit_codes.h"
#include "report/layout.h"

namespace gpuinit::report {

namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kGap = 2;

void add_section(std::string& text, std::string_view title, std::string_view body) {
  if (body.empty()) return;
  text += "\n" + std::string(title) + "\n" + wrapped("  ", body, 2, kWidth);
}

// 128 stands for every code from 129 on, one per signal.
std::string code_text(int code) { return code == kExitSignalBase ? "128+n" : std::to_string(code); }

}  // namespace

std::string explain_check(const CheckInfo& check) {
  std::string text = wrapped(std::string(check.id) + ": ", check.title, 4, kWidth);
  text += "exit code when it fails: " + std::string(check.exit_codes) + "\n";
  add_section(text, "What it looks at", check.looks_at);
  add_section(text, "Why it matters", check.why);
  add_section(text, "How to fix it", check.fix);
  add_section(text, "Where the rule is from", check.source);
  add_section(text, "How to change it",
              "--set checks." + std::string(check.id) + "=warn, or =off; see --print-policy");
  return text;
}

std::string explain_catalogue(std::span<const CheckInfo> checks) {
  std::size_t id_width = 0;
  std::size_t code_width = 4;
  for (const auto& check : checks) {
    id_width = std::max(id_width, columns(check.id));
    code_width = std::max(code_width, columns(check.exit_codes));
  }
  std::string text =
      padded("check", id_width + kGap) + padded("exit", code_width + kGap) + "fails when\n";
  for (const auto& check : checks)
    text += wrapped(padded(check.id, id_width + kGap) + padded(check.exit_codes, code_width + kGap),
                    check.title, id_width + code_width + 2 * kGap, kWidth);
  return text +
         "\ngpuinit --explain ID says more about one; gpuinit --explain exit-codes has the "
         "exit codes.\n";
}

std::string explain_exit_codes() {
  std::size_t name_width = 4;
  std::size_t meaning_width = 0;
  for (const auto& info : kExitCodes) {
    name_width = std::max(name_width, columns(info.name));
    meaning_width = std::max(meaning_width, columns(info.meaning));
  }
  const auto row = [&](std::string_view code, std::string_view name, std::string_view meaning,
                       std::string_view retry) {
    return padded(code, 5 + kGap) + padded(name, name_width + kGap) +
           padded(meaning, meaning_width + kGap) + std::string(retry) + "\n";
  };
  std::string text = row("code", "name", "meaning", "retry");
  for (const auto& info : kExitCodes)
    text += row(code_text(info.code), info.name, info.meaning, info.retry);
  return text + "\nWhen several checks fail, the class that a retry helps least decides.\n";
}

base::Json explain_check_json(const CheckInfo& check) {
  return base::JsonObject{{"id", check.id},        {"exit_codes", check.exit_codes},
                          {"title", check.title},  {"looks_at", check.looks_at},
                          {"why", check.why},      {"fix", check.fix},
                          {"source", check.source}};
}

base::Json explain_catalogue_json(std::span<const CheckInfo> checks) {
  base::JsonArray list;
  for (const auto& check : checks) list.push_back(explain_check_json(check));
  return list;
}

base::Json explain_exit_codes_json() {
  base::JsonArray list;
  for (const auto& info : kExitCodes)
    list.push_back(base::JsonObject{{"code", info.code},
                                    {"name", info.name},
                                    {"meaning", info.meaning},
                                    {"retry", info.retry}});
  return list;
}

}  // namespace gpuinit::report
