// How the driver is asked: with which options, and whether before the image has been read.
#pragma once

#include "assess/assess.h"
#include "gpuinit/policy.h"
#include "probe/cuda/cuda_probe.h"

namespace gpuinit::assess {

// What the driver said before, if it would say the same again; null: it has to be asked.
const NodeFacts* answer_before(const AssessRequest& request);

probe::CudaProbe start_probe(const AssessRequest& request, const Policy& policy);

// Whether the probe may run beside the reading of the image, once it is known that the image needs
// a GPU: nothing else that is found there keeps it from being asked.
bool may_probe_early(const AssessRequest& request, const Policy& policy);

}  // namespace gpuinit::assess
