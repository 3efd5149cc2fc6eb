// Settings: KEY=VALUE on the command line and in GPUINIT_SET.
#include "base/text.h"
#include "policy/layers.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

namespace {

bool has_control_characters(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  return false;
}

// The one value of `text`, or the problem with it.
Result<Value> parse_value(std::string_view text) {
  TomlDocument document = parse_toml("value = " + std::string(text));
  if (!document.problems.empty()) return Error{std::move(document.problems[0].message)};
  if (document.entries.size() != 1) return Error{"expected one value"};
  if (document.entries[0].path.size() != 1) return Value(base::JsonObject{});
  return std::move(document.entries[0].value);
}

// Where the quoted text that begins at `start` has its last quote; npos if it has none.
std::size_t closing_quote(std::string_view text, std::size_t start) {
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && text[start] == '"') ++i;
    else if (text[i] == text[start]) return i;
  }
  return std::string_view::npos;
}

// The ';' that ends the first setting of the text; npos if it is the last.
std::size_t setting_end(std::string_view text) {
  const auto end = text.find(';');
  const auto equals = text.find('=');
  if (equals > end || equals == std::string_view::npos) return end;
  const auto value = text.find_first_not_of(" \t\r\n", equals + 1);
  if (value == std::string_view::npos || (text[value] != '"' && text[value] != '\'')) return end;
  return text.find(';', closing_quote(text, value));
}

}  // namespace

// The name before the '=', as TOML has it: checks."python.abi" too. Empty if it is not one.
std::string Layers::name_of(std::string_view setting) {
  const TomlDocument left = parse_toml(std::string(setting) + " = 0");
  if (!left.problems.empty() || left.entries.size() != 1) return "";
  return dotted(left.entries[0].path, left.entries[0].path.size());
}

// The key that begins another setting inside of a value that is wrong: with `gpu.count=4,x.y=1`
// somebody took a ',' for the separator. Null if there is none.
const Key* Layers::key_within(std::string_view value) const {
  for (std::size_t equals = 0; (equals = value.find('=', equals)) != value.npos; ++equals) {
    const auto begin = value.find_last_of(",;&| \t\r\n", equals);
    if (begin == value.npos) continue;
    if (const Key* key = table_.find(value.substr(begin + 1, equals - begin - 1))) return key;
  }
  return nullptr;
}

Status Layers::add_setting(std::string_view setting, const std::string& origin) {
  const std::string shown = origin + " '" + base::printable(setting, 120) + "': ";
  const auto equals = setting.find('=');
  const auto wrong = [&](std::string why) -> Status {
    const Key* other = equals == setting.npos ? nullptr : key_within(setting.substr(equals));
    if (other != nullptr)
      why += "; does `" + other->name + "` begin another setting? " +
             (origin == "--set" ? "Each has a --set of its own" : "A `;` separates settings");
    return Error{shown + std::move(why)};
  };
  if (has_control_characters(setting)) return wrong("it has a control character");
  if (equals == std::string_view::npos)
    return wrong("expected KEY=VALUE, such as probe.timeout=30");

  std::string name = name_of(setting.substr(0, equals));
  if (name.empty()) return wrong("expected KEY=VALUE, found no key before the '='");
  const Key* key = key_of(name);
  if (key == nullptr && table_.is_table(name))
    return wrong("`" + name + "` is a table; " + table_.keys_of(name));
  if (key == nullptr)
    return wrong("unknown key `" + base::printable(name, 120) + "`; " + table_.suggestion(name));

  const std::string_view text = base::trim(setting.substr(equals + 1));
  // Only these begin a value that cannot be meant as a bare word.
  const bool marked = text.find_first_of("\"'[{") == 0;
  Value value{std::string(text)};
  if (marked || !key->binding.codec->takes_text) {
    auto right = parse_value(text);
    if (!right && marked) return wrong(right.error().message);
    if (right) value = std::move(right).value();
  }
  auto done = put(*key, value, origin);
  return done ? std::move(done) : wrong(done.error().message);
}

std::vector<std::string> split_settings(std::string_view text) {
  std::vector<std::string> settings;
  for (;;) {
    const auto end = setting_end(text);
    const auto setting = base::trim(text.substr(0, end));
    if (!setting.empty()) settings.emplace_back(setting);
    if (end == std::string_view::npos) return settings;
    text.remove_prefix(end + 1);
  }
}

}  // namespace gpuinit::policy
