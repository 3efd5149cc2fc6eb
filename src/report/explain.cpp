// See explain.h.
#include "report/explain.h"

#include <algorithm>

#include "gpuinit/exit_codes.h"
#include "report/layout.h"

namespace gpuinit::report {

namespace {

constexpr std::size_t kGap = 2;
// On a narrower terminal the titles of the catalogue stand under their ids.
constexpr std::size_t kNarrowestTitle = 30;

void add_section(std::string& text, std::string_view title, std::string_view body,
                 std::size_t width) {
  if (body.empty()) return;
  text += "\n" + std::string(title) + "\n" + wrapped("  ", body, 2, width);
}

// 128 stands for every code from 129 on, one per signal.
std::string code_text(int code) { return code == kExitSignalBase ? "128+n" : std::to_string(code); }

}  // namespace

std::string explain_check(const CheckInfo& check, std::size_t width) {
  std::string text = wrapped(std::string(check.id) + ": ", check.title, 4, width);
  text += "exit code when it fails: " + std::string(check.exit_codes) + "\n";
  add_section(text, "What it looks at", check.looks_at, width);
  add_section(text, "Why it matters", check.why, width);
  add_section(text, "How to fix it", check.fix, width);
  add_section(text, "Where the rule is from", check.source, width);
  add_section(text, "How to change it",
              "--set checks." + std::string(check.id) + "=warn, or =off; see --print-policy",
              width);
  return text;
}

std::string explain_catalogue(std::span<const CheckInfo> checks, std::size_t width) {
  std::size_t id_width = 0;
  std::size_t code_width = 4;
  for (const auto& check : checks) {
    id_width = std::max(id_width, columns(check.id));
    code_width = std::max(code_width, columns(check.exit_codes));
  }
  std::string text =
      padded("check", id_width + kGap) + padded("exit", code_width + kGap) + "fails when\n";
  std::size_t start = id_width + code_width + 2 * kGap;
  const bool is_stacked = width != kUnbroken && start + kNarrowestTitle > width;
  if (is_stacked) start = 2 * kGap;
  for (const auto& check : checks) {
    const std::string id = padded(check.id, id_width + kGap);
    const std::string first =
        is_stacked ? id + std::string(check.exit_codes) + "\n" + std::string(start, ' ')
                   : id + padded(check.exit_codes, code_width + kGap);
    text += wrapped(first, check.title, start, width);
  }
  return text + "\n" +
         wrapped("",
                 "gpuinit --explain ID says more about one; gpuinit --explain exit-codes has the "
                 "exit codes.",
                 0, width);
}

std::string retry_words(const ExitCodeInfo& info) {
  constexpr std::string_view kNever = "never";
  return info.retry.starts_with(kNever)
             ? "No retry helps" + std::string(info.retry.substr(kNever.size()))
             : "Retry: " + std::string(info.retry);
}

std::string explain_exit_codes(std::size_t width) {
  std::size_t name_width = 4;
  std::size_t meaning_width = 0;
  std::size_t retry_width = 0;
  for (const auto& info : kExitCodes) {
    name_width = std::max(name_width, columns(info.name));
    meaning_width = std::max(meaning_width, columns(info.meaning));
    retry_width = std::max(retry_width, columns(info.retry));
  }
  const auto row = [&](std::string_view code, std::string_view name, std::string_view meaning,
                       std::string_view retry) {
    const std::string start = padded(code, 5 + kGap) + padded(name, name_width + kGap);
    // Where that does not fit into a line, under each other.
    if (width != kUnbroken && columns(start) + meaning_width + kGap + retry_width > width)
      return wrapped(start, meaning, columns(start), width) +
             wrapped(std::string(columns(start), ' '), retry, columns(start) + kGap, width);
    return start + padded(meaning, meaning_width + kGap) + std::string(retry) + "\n";
  };
  std::string text = row("code", "name", "meaning", "retry");
  for (const auto& info : kExitCodes)
    text += row(code_text(info.code), info.name, info.meaning, info.retry);
  return text + "\n" +
         wrapped("", "When several checks fail, the class that a retry helps least decides.", 0,
                 width);
}

base::JsonObject explain_check_json(const CheckInfo& check) {
  return {{"id", check.id},        {"exit_codes", check.exit_codes},
          {"title", check.title},  {"looks_at", check.looks_at},
          {"why", check.why},      {"fix", check.fix},
          {"source", check.source}};
}

base::JsonObject explain_catalogue_json(std::span<const CheckInfo> checks) {
  base::JsonArray list;
  for (const auto& check : checks) list.push_back(explain_check_json(check));
  return {{"checks", std::move(list)}};
}

base::JsonObject explain_exit_codes_json() {
  base::JsonArray list;
  for (const auto& info : kExitCodes)
    list.push_back(base::JsonObject{{"code", info.code},
                                    {"name", info.name},
                                    {"meaning", info.meaning},
                                    {"retry", info.retry}});
  return {{"exit_codes", std::move(list)}};
}

}  // namespace gpuinit::report
