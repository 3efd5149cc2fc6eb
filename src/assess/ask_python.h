// Whether the command's interpreter is to be asked itself, and with what.
#pragma once

#include <optional>

#include "assess/assess.h"
#include "gpuinit/facts.h"
#include "gpuinit/policy.h"
#include "image/python/python_start.h"

namespace gpuinit::assess {

// The interpreter of `image`, read together with `start`, as python.probe of the policy
// wants it; unknown with the reason if it is not to be asked. Takes as long as its imports.
Fact<PythonAnswer> ask_python(const AssessRequest& request, const ImageFacts& image,
                              const std::optional<image::PythonStart>& start, const Policy& policy);

}  // namespace gpuinit::assess
