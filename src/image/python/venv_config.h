// pyvenv.cfg: what makes a directory a virtual environment.
// Source: CPython, Modules/getpath.py "READ pyvenv.cfg"; Lib/site.py, venv().
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gpuinit::image {

struct VenvConfig {
  std::string path;                 // of the file; empty: there is none
  std::optional<std::string> home;  // where the base interpreter lies
  bool system_site = true;          // what site.py takes if the key is missing
};

// Everything but the path. A later line of the same key wins.
VenvConfig parse_venv_config(std::string_view text);

}  // namespace gpuinit::image
