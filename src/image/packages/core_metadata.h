// What installers write beside a package: METADATA, PKG-INFO and WHEEL, which are mail
// headers, and RECORD, a list of files. Parsers of text that is already in memory.
// Source: PyPA, "Core metadata specifications", "Binary distribution format",
// "Recording installed projects".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gpuinit/facts.h"

namespace gpuinit::image {

// The values of one key, compared without case, up to the first empty line. Of a value that is
// folded over several lines only the first is given.
std::vector<std::string> header_values(std::string_view text, std::string_view key);

// True if the empty line that ends the headers is in `text`.
bool has_whole_head(std::string_view text);

// The path aside. Name and version are empty if the text does not have them.
Package parse_core_metadata(std::string_view text);

// True if every `Tag:` of a WHEEL file says that nothing in it depends on the machine
// ("py3-none-any"), and there is one.
bool is_pure_wheel(std::string_view wheel);

// Cuts the next line off `text`; it comes without its end.
std::string_view take_line(std::string_view& text);

// Cuts the next line off a RECORD: the path that it is about, as it lies from the directory of the
// .dist-info. A path in quotes is given without them. Empty for an empty line.
std::string_view take_recorded_path(std::string_view& record);

}  // namespace gpuinit::image
