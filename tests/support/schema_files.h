// docs/*.schema.json of the source tree, ready to hold values against.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/json_schema.h"

namespace gpuinit::test {

inline const JsonSchema& schema_files() {
  static const JsonSchema schemas = [] {
    std::map<std::string, base::Json> files;
    for (const char* name : {"facts.schema.json", "report.schema.json"}) {
      std::ifstream file(std::string(GPUINIT_SOURCE "/docs/") + name);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      auto json = base::parse_json(text);
      if (!json) throw std::runtime_error(std::string(name) + ": " + json.error().message);
      files.emplace(name, std::move(json).value());
    }
    return JsonSchema(std::move(files));
  }();
  return schemas;
}

}  // namespace gpuinit::test
