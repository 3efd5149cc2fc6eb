#include "image/python/venv_config.h"

#include "base/text.h"

namespace gpuinit::image {

VenvConfig parse_venv_config(std::string_view text) {
  VenvConfig config;
  for (auto line : base::split_lines(text)) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::string key(base::trim(line.substr(0, equals)));
    std::string value(base::trim(line.substr(equals + 1)));
    for (std::string* word : {&key, &value})
      if (word == &key || key == "include-system-site-packages")
        for (char& c : *word)
          if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (key == "home") config.home = value;
    if (key == "include-system-site-packages") config.system_site = value == "true";
  }
  return config;
}

}  // namespace gpuinit::image
