#include "image/frameworks/torch_version_file.h"

#include "base/text.h"

namespace gpuinit::image {

namespace {

using Text = Fact<std::string>;

// `name = value` or `name: annotation = value` on a line of its own; no value if
// the line is something else.
std::optional<std::string_view> assigned(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return std::nullopt;
  line = base::trim(line.substr(name.size()));
  if (line.starts_with(":")) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    line.remove_prefix(equals);
  }
  if (!line.starts_with("=") || line.starts_with("==")) return std::nullopt;
  return base::trim(line.substr(1));
}

Text literal(std::string_view name, std::string_view value) {
  if (value.size() >= 2 && (value[0] == '\'' || value[0] == '"')) {
    const auto end = value.find(value[0], 1);
    const std::string_view rest =
        end == std::string_view::npos ? "?" : base::trim(value.substr(end + 1));
    if (rest.empty() || rest.starts_with("#")) {
      if (end == 1) return Text::absent("version.py: " + std::string(name) + " is empty");
      return std::string(value.substr(1, end - 1));
    }
  }
  if (value == "None" || value.starts_with("None "))
    return Text::absent("version.py: " + std::string(name) + " is None");
  return Text::unknown("version.py: " + std::string(name) + " = " + base::printable(value, 60));
}

}  // namespace

TorchVersion parse_torch_version(std::string_view text) {
  TorchVersion result{Text::unknown("version.py has no __version__"),
                      Text::unknown("version.py does not mention cuda"),
                      Text::absent("version.py does not mention hip")};
  for (auto line : base::split_lines(text)) {
    if (auto value = assigned(line, "__version__")) result.version = literal("__version__", *value);
    if (auto value = assigned(line, "cuda")) result.cuda = literal("cuda", *value);
    if (auto value = assigned(line, "hip")) result.hip = literal("hip", *value);
  }
  return result;
}

}  // namespace gpuinit::image
