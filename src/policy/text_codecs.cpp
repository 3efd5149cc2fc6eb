// Texts and lists of texts.
#include <algorithm>
#include <cctype>
#include <climits>

#include "base/text.h"
#include "policy/codecs.h"
#include "rules/tables/gpu_features.h"

namespace gpuinit::policy {

namespace {

using std::string;
using Texts = std::vector<string>;

// What has no width is fine: there are scripts whose words need it.
bool is_clean(std::string_view text) {
  if (text.size() >= PATH_MAX) return false;
  while (!text.empty()) {
    const base::Character next = base::first_character(text);
    const bool control = next.code < 0x20 || (next.code >= 0x7F && next.code < 0xA0);
    if (next.length == 0 || control) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

Result<string> clean_text(const Value& value) {
  const string* text = value.as_string();
  if (value.is_null() || value.as_array() || value.as_object()) return Error{};
  // TOML reads 3.10 as the number 3.1.
  if (text == nullptr) return Error{"write it in quotes"};
  if (!is_clean(*text))
    return Error{"a control character, invalid UTF-8, or more than a path can hold"};
  return *text;
}

template <bool (*allowed)(const string&)>
Result<string> text(const Value& value, const Problems&) {
  auto text = clean_text(value);
  return !text || allowed(*text) ? std::move(text) : Error{};
}

bool is_program(const string& text) {
  return text.find('/') == string::npos || text.starts_with('/');
}
bool is_file_path(const string& text) { return text.empty() || text.starts_with('/'); }
Result<string> version_range(const Value& value, const Problems& problems) {
  auto text = clean_text(value);
  if (!text || text->empty() || !problems.version_range) return text;
  string problem = problems.version_range(*text);
  return problem.empty() ? std::move(text) : Error{std::move(problem)};
}

Result<string> count_range(const Value& value, const Problems& problems) {
  auto text = version_range(value, problems);
  return text && text->empty() ? Error{} : std::move(text);
}

Value text_value(const string& text) { return text; }

// One text counts as a list of one.
template <bool (*allowed)(const string&)>
Result<Texts> list(const Value& value, const Problems&) {
  const base::JsonArray one{value};
  const auto* many = value.as_array();
  Texts texts;
  for (const Value& item : many != nullptr ? *many : one) {
    const string* text = item.as_string();
    if (text == nullptr || text->empty() || !is_clean(*text) || !allowed(*text)) return Error{};
    texts.push_back(*text);
  }
  return texts;
}

Value list_value(const Texts& texts) { return base::JsonArray(texts.begin(), texts.end()); }

bool is_glob(const string& text) { return !text.starts_with('/'); }

bool is_word(std::string_view text) {
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  return !text.empty();
}
bool is_system_call(const string& text) { return is_word(text); }

// "torch", "a.b". Python allows more than ASCII; names of modules in practice do not use it.
bool is_module(const string& text) {
  for (const auto part : base::split(text, '.'))
    if (!is_word(part) || std::isdigit(static_cast<unsigned char>(part[0])) != 0) return false;
  return true;
}

Result<Texts> system_calls(const Value& value, const Problems& problems) {
  auto calls = list<is_system_call>(value, problems);
  if (!calls || !problems.system_call) return calls;
  for (const string& call : *calls)
    if (string problem = problems.system_call(call); !problem.empty())
      return Error{std::move(problem)};
  return calls;
}

bool is_gpu_feature(const string& text) {
  return std::ranges::any_of(rules::tables::kGpuFeatures,
                             [&](const auto& known) { return known.name == text; });
}

bool is_wait_cause(const string& text) { return enum_value<WaitFor>(text).has_value(); }

Result<std::vector<WaitFor>> wait_causes(const Value& value, const Problems& problems) {
  const auto names = list<is_wait_cause>(value, problems);
  if (!names) return Error{};
  std::vector<WaitFor> causes;
  for (const string& name : *names) causes.push_back(*enum_value<WaitFor>(name));
  return causes;
}

Value wait_causes_value(const std::vector<WaitFor>& causes) {
  base::JsonArray names;
  for (const WaitFor cause : causes) names.emplace_back(enum_name(cause));
  return names;
}

// The fields of an [[accept]], with the names of its keys.
struct AcceptField {
  std::string_view name;
  string Accept::*field;
};
constexpr AcceptField kAcceptFields[] = {{"check", &Accept::check},
                                         {"about", &Accept::about},
                                         {"why", &Accept::why},
                                         {"until", &Accept::until}};

// "2027-01-31"
bool is_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto month = base::parse_number(text.substr(5, 2)).value_or(0);
  const auto day = base::parse_number(text.substr(8)).value_or(0);
  return base::parse_number(text.substr(0, 4)) && month >= 1 && month <= 12 && day >= 1 &&
         day <= 31;
}

Result<Accept> accept(const Value& value) {
  const auto* table = value.as_object();
  if (table == nullptr) return Error{};
  Accept entry;
  for (const auto& [key, given] : *table) {
    const auto field = std::ranges::find(kAcceptFields, key, &AcceptField::name);
    if (field == std::end(kAcceptFields))
      return Error{"an entry has no key " + base::printable(key, 60)};
    auto text = clean_text(given);
    if (!text) return Error{key + " takes text"};
    entry.*field->field = std::move(text).value();
  }
  if (entry.check.empty() || entry.about.empty() || entry.why.empty())
    return Error{"check, about and why are all needed"};
  if (!entry.until.empty() && !is_day(entry.until)) return Error{"until: " + entry.until};
  return entry;
}

Result<std::vector<Accept>> accepts(const Value& value, const Problems&) {
  const auto* many = value.as_array();
  if (many == nullptr) return Error{};
  std::vector<Accept> entries;
  for (const Value& item : *many) {
    auto entry = accept(item);
    if (!entry) return std::move(entry).error();
    entries.push_back(std::move(entry).value());
  }
  return entries;
}

Value accepts_value(const std::vector<Accept>& entries) {
  base::JsonArray items;
  for (const Accept& entry : entries) {
    base::JsonObject item;
    for (const auto& [name, field] : kAcceptFields)
      if (!(entry.*field).empty()) item.emplace_back(name, entry.*field);
    items.emplace_back(std::move(item));
  }
  return items;
}

constexpr bool kTakesText = true;

}  // namespace

const Codec<string> kProgram{{"a program's name or absolute path as text, or \"\"", kTakesText},
                             text<is_program>,
                             text_value};
const Codec<string> kFilePath{
    {"an absolute path as text, or \"\"", kTakesText}, text<is_file_path>, text_value};
const Codec<string> kCountRange{
    {"a range as text, such as \">=1\" or \"4\"", kTakesText}, count_range, text_value};
const Codec<string> kVersionRange{
    {"a version range as text, such as \">=3.10,<3.13\", \"2.8.*\" or \"\"", kTakesText},
    version_range,
    text_value};

const Codec<Texts> kGlobs{
    {"a list of patterns below site-packages, such as [\"torchvision/*\"]", kTakesText},
    list<is_glob>,
    list_value};
const Codec<Texts> kModules{{"a list of Python modules, such as [\"torchvision\"]", kTakesText},
                            list<is_module>,
                            list_value};
const Codec<Texts> kFrameworks{
    {"a list of frameworks, such as [\"jax\"]", kTakesText}, list<is_glob>, list_value};
const Codec<Texts> kSystemCalls{
    {"a list of system calls, such as [\"ptrace\"]", kTakesText}, system_calls, list_value};
const Codec<Texts> kGpuNames{
    {"a list of names of GPUs, such as [\"H100\", \"*A100*80GB\"]", kTakesText},
    list<is_glob>,
    list_value};
const Codec<Texts> kGpuFeatureList{
    {"a list of \"fp16\", \"int8\", \"bf16\", \"tf32\", \"fp8\", \"fp4\", \"p2p\" or \"nvlink\"",
     kTakesText},
    list<is_gpu_feature>,
    list_value};
const Codec<std::vector<WaitFor>> kWaitCauses{
    {"a list of ", kTakesText, enum_choice<WaitFor>}, wait_causes, wait_causes_value};

const Codec<std::vector<Accept>> kAccepted{
    {"[[accept]] tables with check, about, why and, where it ends, until"}, accepts, accepts_value};

}  // namespace gpuinit::policy
