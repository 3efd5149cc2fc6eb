#include "probe/python/python_lines.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gpuinit::probe {

namespace {

using base::Json;
using Text = Fact<std::string>;
using Texts = Fact<std::vector<std::string>>;

constexpr std::size_t kMaxText = 4096;          // a path, a version
constexpr std::size_t kMaxLong = 16ULL * 1024;  // a traceback, torch's configuration
constexpr std::size_t kMaxItems = 2000;

// A text of several lines, each printable.
std::string printable_lines(std::string_view text) {
  std::string result;
  for (const auto line : base::split_lines(text.substr(0, kMaxLong))) {
    if (!result.empty()) result += '\n';
    result += base::printable(line, kMaxText);
  }
  return result;
}

std::string text_of(const Json* json, std::size_t limit = kMaxText) {
  const auto* text = json != nullptr ? json->as_string() : nullptr;
  return text != nullptr ? base::printable(*text, limit) : std::string();
}

// A key that is not there, or is of another type, leaves the fact as it is.
void read(const Json& object, const std::string& key, Text& fact) {
  const Json* json = object.find(key);
  if (json != nullptr && json->is_null()) fact = Text::absent();
  else if (json != nullptr && json->as_string() != nullptr) fact = Text(text_of(json));
  else if (const Json* why = object.find("no " + key)) fact = Text::unknown(text_of(why, 300));
}

void read(const Json& object, const std::string& key, Texts& fact) {
  const Json* json = object.find(key);
  if (json != nullptr && json->is_null()) fact = Texts::absent();
  if (const Json* why = object.find("no " + key)) fact = Texts::unknown(text_of(why, 300));
  const auto* array = json != nullptr ? json->as_array() : nullptr;
  if (array == nullptr) return;
  std::vector<std::string> items;
  for (const Json& item : *array)
    if (item.as_string() != nullptr && items.size() < kMaxItems) items.push_back(text_of(&item));
  fact = std::move(items);
}

double number(const Json* json) {
  if (json == nullptr) return 0;
  if (const auto* real = std::get_if<double>(&json->value)) return *real;
  if (const auto* whole = std::get_if<std::int64_t>(&json->value))
    return static_cast<double>(*whole);
  if (const auto* whole = std::get_if<std::uint64_t>(&json->value))
    return static_cast<double>(*whole);
  return 0;
}

}  // namespace

void PythonLines::stop(State state, std::string why) {
  state_ = state;
  wrong_ = std::move(why);
}

void PythonLines::feed(std::string_view bytes) {
  while (!bytes.empty() && !finished()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    bytes_ += piece.size() + 1;
    if (bytes_ > kMaxAnswer) return stop(State::kGarbled, "an answer of more than 1 MiB");
    rest_ += piece;
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    line(std::exchange(rest_, {}));
  }
}

void PythonLines::line(std::string_view text) {
  for (const auto& [key, state] :
       {std::pair<std::string_view, State>{"not-started ", State::kNotStarted},
        {"no-loader ", State::kNoLoader}})
    if (!greeted_ && last_step_.empty() && text.starts_with(key))
      return stop(state, base::printable(text.substr(key.size())));
  auto json = base::parse_json(text);
  if (!json || json->as_object() == nullptr)
    return stop(State::kGarbled, "no JSON object: " + base::printable(text, 120));
  object(*json);
}

void PythonLines::object(const Json& json) {
  if (const Json* step = json.find("step")) last_step_ = text_of(step, 200);
  if (const Json* said = json.find("python")) python(*said);
  read(json, "torch_origin", answer_.torch_origin);
  if (const Json* why = json.find("no_torch_origin"))
    answer_.torch_origin = Text::unknown(text_of(why, 300));
  if (const Json* said = json.find("import")) import_result(*said);
  if (const Json* said = json.find("torch")) torch(*said);
  if (json.find("end") != nullptr) state_ = State::kWhole;
}

void PythonLines::python(const Json& json) {
  greeted_ = true;
  read(json, "version", answer_.version);
  read(json, "soabi", answer_.soabi);
  read(json, "executable", answer_.executable);
  read(json, "prefix", answer_.prefix);
  read(json, "base_prefix", answer_.base_prefix);
  read(json, "exec_prefix", answer_.exec_prefix);
  read(json, "path", answer_.sys_path);
  read(json, "flags", answer_.flags);
}

void PythonLines::import_result(const Json& json) {
  if (answer_.imports.size() >= kMaxImports) return;
  PythonImport result;
  result.name = text_of(json.find("name"), 200);
  result.error = text_of(json.find("error"), 200);
  result.message = text_of(json.find("message"));
  if (const Json* text = json.find("traceback"); text != nullptr && text->as_string() != nullptr)
    result.traceback = printable_lines(*text->as_string());
  if (!result.error.empty()) result.version = result.file = Text::unknown("not imported");
  read(json, "version", result.version);
  read(json, "file", result.file);
  result.milliseconds = number(json.find("milliseconds"));
  answer_.imports.push_back(std::move(result));
}

void PythonLines::torch(const Json& json) {
  PythonTorch torch;
  read(json, "version", torch.version);
  read(json, "file", torch.file);
  read(json, "cuda", torch.cuda);
  read(json, "hip", torch.hip);
  read(json, "arch_list", torch.arch_list);
  read(json, "cudnn", torch.cudnn);
  read(json, "config", torch.config);
  if (const Json* config = json.find("config"); config != nullptr && config->as_string() != nullptr)
    torch.config = Text(printable_lines(*config->as_string()));
  answer_.torch = std::move(torch);
}

}  // namespace gpuinit::probe
