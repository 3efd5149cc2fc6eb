#include "warmup/recording.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace gpuinit::warmup {

namespace {

constexpr std::string_view kFirstLine = "gpuinit-pages 2";
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

class Parser {
 public:
  Status take(std::string_view line) {
    if (line.starts_with('=')) return take_again(line.substr(1));
    if (line.starts_with("- ")) return take_name(line.substr(2));
    return take_file(line);
  }

  PagePlan plan;

 private:
  Status add_file(PlannedFile file) {
    if (!file.path.starts_with('/')) return wrong("an absolute path", file.path);
    if (plan.files.size() == kMaxRecordedFiles) return Error{"more files than there can be"};
    plan.files.push_back(std::move(file));
    return Done{};
  }

  Status take_name(std::string_view path) {
    plan.pieces.push_back({static_cast<std::uint32_t>(plan.files.size()), {}});
    return add_file({std::string(path), 0, 0, PlannedFile::Kind::kName});
  }

  Status take_file(std::string_view line) {
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
    Status added = add_file({std::string(rest), *size_number,
                             static_cast<std::int64_t>(*seconds) * (before_1970 ? -1 : 1)});
    if (!added) return added;
    return take_ranges(plan.files.size() - 1, *ranges);
  }

  Status take_again(std::string_view line) {
    std::string_view rest = line;
    const auto words = take_until(' ', rest);
    const auto index = words ? number(*words) : std::nullopt;
    if (!index || *index >= plan.files.size() ||
        plan.files[*index].kind != PlannedFile::Kind::kParts)
      return wrong("=<number of a file above> <ranges>", line);
    return take_ranges(*index, rest);
  }

  Status take_ranges(std::size_t file, std::string_view ranges) {
    const std::uint64_t size = plan.files[file].size;
    for (const std::string_view text : base::split(ranges, ',')) {
      const auto range = range_of(text);
      if (!range) return wrong("<offset>+<length>", text);
      if (plan.pieces.size() == kMaxRecordedRanges) return Error{"more ranges than there can be"};
      if (range->offset >= size || range->length == 0) continue;
      plan.pieces.push_back({static_cast<std::uint32_t>(file),
                             {range->offset, std::min(range->length, size - range->offset)}});
    }
    return Done{};
  }
};

}  // namespace

std::string recording_text(const PagePlan& plan) {
  std::string text = std::string(kFirstLine) + "\n";
  std::vector<std::optional<std::size_t>> line_of(plan.files.size());
  std::size_t lines = 0;
  for (std::size_t i = 0; i < plan.pieces.size();) {
    const std::uint32_t index = plan.pieces[i].file;
    const PlannedFile& file = plan.files[index];
    std::string ranges;
    for (; i < plan.pieces.size() && plan.pieces[i].file == index; ++i) {
      if (!ranges.empty()) ranges += ',';
      ranges += std::to_string(plan.pieces[i].range.offset) + "+" +
                std::to_string(plan.pieces[i].range.length);
    }
    if (file.path.find('\n') != file.path.npos) continue;
    if (file.kind != PlannedFile::Kind::kParts) text += "- " + file.path + "\n";
    else if (line_of[index]) text += "=" + std::to_string(*line_of[index]) + " " + ranges + "\n";
    else
      text += std::to_string(file.size) + " " + std::to_string(file.modified) + " " + ranges + " " +
              file.path + "\n";
    if (!line_of[index] || file.kind != PlannedFile::Kind::kParts) line_of[index] = lines++;
  }
  return text;
}

Result<PagePlan> parse_recording(std::string_view text) {
  Parser parser;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    ++line_number;
    const std::string place = "line " + std::to_string(line_number);
    if (line_number == 1) {
      if (line != kFirstLine) return wrong("`gpuinit-pages 2`", line).context(place);
      continue;
    }
    const Status taken = parser.take(line);
    if (!taken) return Error(taken.error()).context(place);
  }
  if (line_number == 0) return Error{"it is empty"};
  return std::move(parser.plan);
}

}  // namespace gpuinit::warmup
