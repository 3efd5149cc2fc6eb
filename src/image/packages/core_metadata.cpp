#include "image/packages/core_metadata.h"

#include <algorithm>

#include "base/python_name.h"
#include "base/text.h"

namespace gpuinit::image {

namespace {

bool same_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The name at the beginning of "nvidia-cublas-cu12 (==12.4.5.8) ; …", normalised.
std::string required_name(std::string_view requirement) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  const auto end = std::find_if_not(requirement.begin(), requirement.end(), is_part);
  return base::normalized_name(requirement.substr(0, end - requirement.begin()));
}

bool matters(std::string_view requirement) {
  // Most requirements are of others: look at one letter before making a name.
  if (requirement.empty() || std::string_view("tTnNcC").find(requirement[0]) == std::string::npos)
    return false;
  const std::string name = required_name(requirement);
  return name == "torch" || name == "numpy" || name == "triton" || name.starts_with("nvidia-") ||
         name.starts_with("cuda-");
}

// The headers up to the first empty line, in order. Keys are as written, values with the blanks
// around them.
template <class Visit>
void each_header(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) return;  // the body begins
    if (line[0] == ' ' || line[0] == '\t') continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    visit(line.substr(0, colon), line.substr(colon + 1));
  }
}

}  // namespace

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<std::string> header_values(std::string_view text, std::string_view key) {
  std::vector<std::string> values;
  each_header(text, [&](std::string_view name, std::string_view value) {
    if (same_without_case(name, key)) values.emplace_back(base::trim(value));
  });
  return values;
}

bool has_whole_head(std::string_view text) {
  return text.find("\n\n") != std::string_view::npos ||
         text.find("\r\n\r\n") != std::string_view::npos;
}

Package parse_core_metadata(std::string_view text) {
  Package metadata;
  constexpr std::string_view kName = "Name", kVersion = "Version", kRequires = "Requires-Dist";
  each_header(text, [&](std::string_view key, std::string_view value) {
    if (metadata.name.empty() && key.size() == kName.size() && same_without_case(key, kName)) {
      metadata.name = base::normalized_name(base::trim(value));
    } else if (metadata.version.empty() && key.size() == kVersion.size() &&
               same_without_case(key, kVersion)) {
      metadata.version = base::trim(value);
    } else if (key.size() == kRequires.size() && same_without_case(key, kRequires)) {
      value = base::trim(value);
      if (matters(value) || metadata.name == "torch") metadata.requires_dist.emplace_back(value);
    }
  });
  return metadata;
}

bool is_pure_wheel(std::string_view wheel) {
  const auto tags = header_values(wheel, "Tag");
  return !tags.empty() && std::all_of(tags.begin(), tags.end(),
                                      [](const auto& tag) { return tag.ends_with("-any"); });
}

std::string_view take_recorded_path(std::string_view& record) {
  std::string_view line = take_line(record);
  if (!line.starts_with('"')) return line.substr(0, line.find(','));
  line.remove_prefix(1);
  return line.substr(0, line.find('"'));
}

}  // namespace gpuinit::image
