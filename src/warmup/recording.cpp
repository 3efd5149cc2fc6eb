#include "warmup/recording.h"

#include <optional>

#include "base/text.h"

namespace gpuinit::warmup {

namespace {

constexpr std::string_view kFirstLine = "gpuinit-pages 1";
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 62;

// Takes the text up to `separator` off; nullopt if `rest` has no separator.
std::optional<std::string_view> take_until(char separator, std::string_view& rest) {
  const auto end = rest.find(separator);
  if (end == rest.npos) return std::nullopt;
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return taken;
}

std::optional<std::uint64_t> number(std::string_view text) {
  const auto value = base::parse_number(text);
  if (!value || *value >= kMaxNumber) return std::nullopt;
  return value;
}

std::optional<Range> range_of(std::string_view text) {
  const auto offset = take_until('+', text);
  if (!offset) return std::nullopt;
  const auto begin = number(*offset);
  const auto length = number(text);
  if (!begin || !length) return std::nullopt;
  return Range{*begin, *length};
}

Error wrong(std::string_view expected, std::string_view found) {
  return Error{"expected " + std::string(expected) + ", found `" + base::printable(found, 60) +
               "`"};
}

Result<FilePart> part_of(std::string_view line, std::size_t& ranges_left) {
  FilePart part;
  std::string_view rest = line;
  const auto size = take_until(' ', rest);
  const auto modified = take_until(' ', rest);
  const auto ranges = take_until(' ', rest);
  if (!ranges) return wrong("<size> <mtime> <ranges> <path>", line);
  const auto size_number = number(*size);
  if (!size_number) return wrong("a size in bytes", *size);
  const bool before_1970 = modified->starts_with('-');
  const auto seconds = number(modified->substr(before_1970 ? 1 : 0));
  if (!seconds) return wrong("a time in seconds", *modified);
  if (!rest.starts_with('/')) return wrong("an absolute path", rest);
  part.size = *size_number;
  part.modified = static_cast<std::int64_t>(*seconds) * (before_1970 ? -1 : 1);
  part.path = rest;
  for (const std::string_view text : base::split(*ranges, ',')) {
    const auto range = range_of(text);
    if (!range) return wrong("<offset>+<length>", text);
    if (ranges_left-- == 0) return Error{"more ranges than there can be"};
    part.ranges.push_back(*range);
  }
  tidy(part.ranges, part.size);
  return part;
}

}  // namespace

std::string recording_text(const PagePlan& plan) {
  std::string text = std::string(kFirstLine) + "\n";
  for (const FilePart& part : plan) {
    if (part.ranges.empty() || part.path.find('\n') != part.path.npos) continue;
    text += std::to_string(part.size) + " " + std::to_string(part.modified) + " ";
    for (std::size_t i = 0; i < part.ranges.size(); ++i) {
      if (i > 0) text += ',';
      text += std::to_string(part.ranges[i].offset) + "+" + std::to_string(part.ranges[i].length);
    }
    text += " " + part.path + "\n";
  }
  return text;
}

Result<PagePlan> parse_recording(std::string_view text) {
  PagePlan plan;
  std::size_t line_number = 0;
  std::size_t ranges_left = kMaxRecordedRanges;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    ++line_number;
    const std::string place = "line " + std::to_string(line_number);
    if (line_number == 1) {
      if (line != kFirstLine) return wrong("`gpuinit-pages 1`", line).context(place);
      continue;
    }
    if (plan.size() == kMaxRecordedFiles) return Error{place + ": more files than there can be"};
    auto part = part_of(line, ranges_left);
    if (!part) return std::move(part).error().context(place);
    plan.push_back(std::move(part).value());
  }
  if (line_number == 0) return Error{"it is empty"};
  return plan;
}

}  // namespace gpuinit::warmup
