// What of a start its facts depend on besides files, and what they do not: the same when an image
// is sealed and when the seal is used.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gpuinit/seal.h"
#include "image/python/python_start.h"
#include "image/read_image.h"

namespace gpuinit::image {

// The variables that read_python_image() heeds and that are set. HOME, if it counts, always.
std::map<std::string, std::string> heeded_variables(const base::Environment& environment,
                                                    bool home_counts);

// The working directory where sys.path depends on it; empty otherwise.
std::string heeded_directory(const PythonStart& start);

// Whose process the command is.
std::uint32_t user_of(const ImageQuery& query);

// Why the sealed facts are not those of this start. Empty: they are.
std::string difference_of_start(const ImageQuery& query, const Seal& seal,
                                const SealedPython& sealed, const PythonStart& start);

// The first entry of sys.path, which every command has for itself ("" if it has none). An error,
// one clause, if something is found in it that is looked for in every entry: then the facts depend
// on it.
Result<std::string> own_entry(const base::RootFs& fs, const PythonStart& start,
                              const Interpreter& python);

}  // namespace gpuinit::image
