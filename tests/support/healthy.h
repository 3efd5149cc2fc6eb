// The healthy image and node of healthy.json, which tests change one fact at a time.
#pragma once

#include "base/json.h"
#include "gpuinit/facts.h"

namespace gpuinit::test {

// The document itself, for those who change it as JSON. Throws if it is not one.
const base::Json& healthy_json();

const Facts& healthy_facts();

}  // namespace gpuinit::test
