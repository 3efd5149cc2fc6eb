// The image facts of a start from its seal, where the image is still what was sealed.
#pragma once

#include <optional>

#include "base/root_fs.h"
#include "gpuinit/image_facts.h"
#include "gpuinit/seal.h"
#include "image/read_image.h"
#include "image/start/start.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

// Seals what read_image() would read for the command, and for the policy's interpreter where that
// is another. An error if the command leads to no Python, or its own directory brings what belongs
// into site-packages: no seal would hold there. `fs` is query.fs.
Result<Seal> make_seal(base::RootFs& fs, const ImageQuery& query);

// Fills facts.seal; and, if the seal holds for this start, what read_python_image() fills, as that
// would; they are moved from the seal. The command and its directory are looked at as they are.
// False: they are to be read.
// `started` as for read_python_image().
bool take_from_seal(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                    const ChosenPython& chosen, ImageFacts& facts,
                    std::optional<PythonStart>* started);

// The facts of the start that was sealed, without the image. Requires: seal.pythons is not empty.
ImageFacts sealed_facts(Seal seal);

}  // namespace gpuinit::image
