// The seal as a file: a line of text, the packed seal, the recording.
//
//   gpuinit-seal 1 <fingerprint> <bytes of the packed seal> <bytes of the recording>
//
// The packed seal is what seal_fields.h lists, in that order, without names: numbers in groups of
// seven bits, texts and lists with their length in front. It is read at every start, and this is
// twenty times as fast as JSON. The fingerprint is of the names: a gpuinit with other fields does
// not read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_source.h"
#include "gpuinit/result.h"
#include "gpuinit/seal.h"

namespace gpuinit::facts {

std::string seal_text(const Seal& seal, std::string_view recording);

// Whether it says so itself. False too if it cannot be read.
bool is_seal(const base::ByteSource& file);

// Errors are one clause: "it is not a seal", "it is of another gpuinit", "it is cut off". Nothing
// is read of the recording.
Result<Seal> read_seal(const base::ByteSource& file);

bool has_recording(const base::ByteSource& file);
// "" if the seal has no recording. At most 16 MiB.
Result<std::string> read_sealed_recording(const base::ByteSource& file);

}  // namespace gpuinit::facts
