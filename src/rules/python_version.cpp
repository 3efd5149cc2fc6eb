// PEP 440 versions: parsing, and the order among them.
#include "rules/python_version.h"

#include <algorithm>
#include <initializer_list>

#include "base/text.h"

namespace gpuinit::rules {

namespace {

using Number = PythonVersion::Number;

constexpr std::size_t kMaxText = 200;
constexpr std::size_t kMaxDigits = 18;

bool is_separator(char c) { return c == '-' || c == '_' || c == '.'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// Walks over a version in lower case. Every part but the release is optional, and in each
// the separators and the number are too: "1.0-RC.1", "1.0post".
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<PythonVersion> parse() {
    take("v");
    if (!read_release()) return std::nullopt;
    read_pre();
    read_post();
    if (const auto number = read_part({"dev"})) version_.dev = *number;
    if (take("+") && !read_local()) return std::nullopt;
    if (too_large_ || !text_.empty()) return std::nullopt;
    return std::move(version_);
  }

 private:
  bool take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  bool digit_at(std::size_t at) const { return at < text_.size() && base::is_digit(text_[at]); }

  // Requires: a digit is next.
  Number take_number() {
    Number number = 0;
    std::size_t digits = 0;
    while (digit_at(digits)) ++digits;
    too_large_ = too_large_ || digits > kMaxDigits;
    if (!too_large_)
      for (const char c : text_.substr(0, digits)) number = number * 10 + Number(c - '0');
    text_.remove_prefix(digits);
    return number;
  }

  bool read_release() {
    if (!digit_at(0)) return false;
    version_.release.push_back(take_number());
    if (take("!")) {
      version_.epoch = version_.release[0];
      if (!digit_at(0)) return false;
      version_.release[0] = take_number();
    }
    while (text_.starts_with('.') && digit_at(1)) {
      text_.remove_prefix(1);
      version_.release.push_back(take_number());
    }
    return true;
  }

  // "[-_.]?WORD[-_.]?[0-9]*": the number, 0 if there is none; nullopt if no word is next.
  std::optional<Number> read_part(std::initializer_list<std::string_view> words) {
    const std::string_view before = text_;
    if (!text_.empty() && is_separator(text_[0])) text_.remove_prefix(1);
    for (const std::string_view word : words) {
      if (!take(word)) continue;
      if (!text_.empty() && is_separator(text_[0])) text_.remove_prefix(1);
      return digit_at(0) ? take_number() : 0;
    }
    text_ = before;
    return std::nullopt;
  }

  void read_pre() {
    using Pre = PythonVersion::Pre;
    // Longer words first.
    if (const auto n = read_part({"alpha", "a"})) version_.pre = {Pre::kAlpha, *n};
    else if (const auto m = read_part({"beta", "b"})) version_.pre = {Pre::kBeta, *m};
    else if (const auto c = read_part({"preview", "pre", "c", "rc"}))
      version_.pre = {Pre::kCandidate, *c};
  }

  void read_post() {
    if (text_.starts_with('-') && digit_at(1)) {
      text_.remove_prefix(1);
      version_.post = take_number();
    } else if (const auto number = read_part({"post", "rev", "r"})) {
      version_.post = *number;
    }
  }

  bool read_local() {
    for (;;) {
      std::size_t length = 0;
      while (length < text_.size() && (base::is_digit(text_[length]) || is_letter(text_[length])))
        ++length;
      if (length == 0) return false;
      PythonVersion::LocalPart part;
      part.text = text_.substr(0, length);
      part.numeric = std::all_of(part.text.begin(), part.text.end(), base::is_digit);
      if (part.numeric) {
        part.number = take_number();
      } else {
        text_.remove_prefix(length);
      }
      version_.local.push_back(std::move(part));
      if (text_.empty() || !is_separator(text_[0])) return true;
      text_.remove_prefix(1);
    }
  }

  std::string_view text_;
  PythonVersion version_;
  bool too_large_ = false;
};

std::strong_ordering compare_release(const std::vector<Number>& a, const std::vector<Number>& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const Number left = i < a.size() ? a[i] : 0;
    const Number right = i < b.size() ? b[i] : 0;
    if (left != right) return left <=> right;
  }
  return std::strong_ordering::equal;
}

// Where a version stands among those of its release: before all that have a pre-release
// part if it is only a .dev, after them if it has none.
std::pair<int, Number> pre_rank(const PythonVersion& version) {
  if (version.pre) return {1 + static_cast<int>(version.pre->first), version.pre->second};
  return {!version.post && version.dev ? 0 : 4, 0};
}

// No part comes before every part, words before numbers.
std::strong_ordering compare_local(const PythonVersion& a, const PythonVersion& b) {
  const auto shorter = std::min(a.local.size(), b.local.size());
  for (std::size_t i = 0; i < shorter; ++i) {
    const auto& left = a.local[i];
    const auto& right = b.local[i];
    if (left.numeric != right.numeric) return left.numeric <=> right.numeric;
    const auto order = left.numeric ? left.number <=> right.number : left.text <=> right.text;
    if (order != 0) return order;
  }
  return a.local.size() <=> b.local.size();
}

}  // namespace

std::optional<PythonVersion> parse_python_version(std::string_view text) {
  text = base::trim(text);
  if (text.size() > kMaxText) return std::nullopt;
  const std::string small = base::lower(text);
  return Parser(small).parse();
}

std::strong_ordering operator<=>(const PythonVersion& a, const PythonVersion& b) {
  if (a.epoch != b.epoch) return a.epoch <=> b.epoch;
  if (const auto order = compare_release(a.release, b.release); order != 0) return order;
  if (const auto order = pre_rank(a) <=> pre_rank(b); order != 0) return order;
  if (a.post != b.post) {
    if (!a.post || !b.post) return a.post.has_value() <=> b.post.has_value();
    return *a.post <=> *b.post;
  }
  if (a.dev != b.dev) {
    // A version without one comes last here.
    if (!a.dev || !b.dev) return b.dev.has_value() <=> a.dev.has_value();
    return *a.dev <=> *b.dev;
  }
  return compare_local(a, b);
}

bool operator==(const PythonVersion& a, const PythonVersion& b) { return (a <=> b) == 0; }

}  // namespace gpuinit::rules
