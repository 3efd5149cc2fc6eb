// What an image brings, as facts: the interpreter of the command, its torch, its
// CUDA runtime. Reads files under the root only; runs nothing, judges nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "gpuinit/seal.h"
#include "image/extensions/extension_files.h"
#include "image/python/python_start.h"

namespace gpuinit::image {

// A seal as it was found in the image.
struct FoundSeal {
  std::string path;
  std::int64_t modified = 0;  // of its file, in seconds since 1970
  // With an interpreter of which sys.path is known, at least. The error is one clause: "it is
  // damaged".
  Result<Seal> seal;
};

struct ImageQuery {
  const base::RootFs& fs;
  std::string root;                  // for the report
  std::vector<std::string> command;  // may be empty
  base::Environment environment;     // of the command
  std::string working_directory;     // in the root, absolute
  std::string fallback_interpreter;  // policy python.interpreter, may be empty
  ExtensionScope extensions = {};    // policy extensions.include, .exclude
  std::optional<unsigned> uid = {};  // whose process the command is; nullopt if not known
  FoundSeal* seal = nullptr;  // null: the image has none. Not owned; moved from where it holds
  // Called when sys.path is known, before torch is looked at; may be empty.
  std::function<void(const std::vector<std::string>&)> sys_path_is_known = {};
  // Called when torch is known to be a CUDA build, before its libraries are looked at; may be
  // empty.
  std::function<void()> cuda_is_known = {};
};

// Never fails: what cannot be read is an unknown fact with the reason.
ImageFacts read_image(const ImageQuery& query);

// The same, and how to run the command's interpreter; nullopt if it has no interpreter.
ImageFacts read_image(const ImageQuery& query, std::optional<PythonStart>& python);

}  // namespace gpuinit::image
