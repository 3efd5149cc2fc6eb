#include "base/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace gpuinit::base {

namespace {

using Document = nlohmann::ordered_json;

// Builds our value while nlohmann/json reads, so that depth is bounded before
// anything is nested.
class Builder final : public nlohmann::json_sax<Document> {
 public:
  bool null() override { return add(Json()); }
  bool boolean(bool v) override { return add(Json(v)); }
  bool number_integer(std::int64_t v) override { return add(Json(v)); }
  bool number_unsigned(std::uint64_t v) override { return add(Json(v)); }
  bool number_float(double v, const std::string&) override { return add(Json(v)); }
  bool string(std::string& v) override { return add(Json(std::move(v))); }
  bool binary(Document::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json(JsonObject{})); }
  bool start_array(std::size_t) override { return open(Json(JsonArray{})); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& v) override {
    std::get<JsonObject>(open_.back().value).emplace_back(std::move(v), Json());
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    error_ = e.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    const auto end = error_.find("] ");
    if (end != std::string::npos) error_.erase(0, end + 2);
    return false;
  }

  Json take() { return std::move(root_); }
  const std::string& error() const { return error_; }

 private:
  bool open(Json json) {
    if (open_.size() >= kMaxDepth) {
      error_ = "nested deeper than " + std::to_string(kMaxDepth) + " levels";
      return false;
    }
    open_.push_back(std::move(json));
    return true;
  }
  bool close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    return add(std::move(done));
  }
  bool add(Json json) {
    if (open_.empty()) {
      root_ = std::move(json);
    } else if (auto* array = std::get_if<JsonArray>(&open_.back().value)) {
      array->push_back(std::move(json));
    } else {
      std::get<JsonObject>(open_.back().value).back().second = std::move(json);
    }
    return true;
  }

  std::vector<Json> open_;
  Json root_;
  std::string error_;
};

Document to_document(const Json& json) {
  if (const auto* array = json.as_array()) {
    Document document = Document::array();
    for (const auto& item : *array) document.push_back(to_document(item));
    return document;
  }
  if (const auto* object = json.as_object()) {
    Document::object_t members;
    members.reserve(object->size());
    // Not operator[] nor emplace: they look for the key among all before it.
    for (const auto& [key, item] : *object) members.push_back({key, to_document(item)});
    return members;
  }
  return std::visit(
      [](const auto& v) -> Document {
        if constexpr (std::is_constructible_v<Document, decltype(v)>) return Document(v);
        else return Document();
      },
      json.value);
}

// What the library does not escape, since JSON does not ask for it: DEL, C1, and what nobody sees.
// `text` is UTF-8; outside of its strings there is nothing of the kind.
std::string with_unseen_escaped(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  std::string_view rest = text;
  for (;;) {
    const auto plain = std::ranges::find_if(rest, [](unsigned char c) { return c >= 0x7F; });
    result.append(rest.begin(), plain);
    rest.remove_prefix(static_cast<std::size_t>(plain - rest.begin()));
    if (rest.empty()) break;
    const Character next = first_character(rest);
    const std::size_t length = std::max<std::size_t>(next.length, 1);
    if (is_unseen(next.code)) {
      result += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4)
        result += "0123456789abcdef"[next.code >> static_cast<unsigned>(shift) & 15U];
    } else {
      result += rest.substr(0, length);
    }
    rest.remove_prefix(length);
  }
  return result;
}

std::string printed(const Json& json, int indent) {
  return with_unseen_escaped(
      to_document(json).dump(indent, ' ', false, Document::error_handler_t::replace));
}

}  // namespace

std::optional<std::uint64_t> Json::as_count() const {
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<double> Json::as_number() const {
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
  if (const auto count = as_count()) return static_cast<double>(*count);
  return std::nullopt;
}

const Json* Json::find(std::string_view key) const {
  const auto* object = as_object();
  if (object == nullptr) return nullptr;
  for (auto entry = object->rbegin(); entry != object->rend(); ++entry)
    if (entry->first == key) return &entry->second;
  return nullptr;
}

std::string_view Json::type_name() const {
  constexpr std::string_view kNames[] = {"null",   "boolean", "number", "number",
                                         "number", "string",  "array",  "object"};
  return kNames[value.index()];
}

Result<Json> parse_json(std::string_view text) {
  Builder builder;
  if (!Document::sax_parse(text.begin(), text.end(), &builder)) return Error{builder.error()};
  return builder.take();
}

std::string print_json(const Json& json) { return printed(json, 2); }

std::string print_json_line(const Json& json) { return printed(json, -1); }

}  // namespace gpuinit::base
