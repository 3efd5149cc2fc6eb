// Facts to JSON and back without loss: `--facts` writes it, `--node` reads it.
//
// A known fact is its plain value. An absent one is null, or {"absent": reason};
// an unknown one {"unknown": reason}; a key that is left out reads as unknown.
// (So an environment whose only variable is called "absent" or "unknown" cannot be
// written; no variable that steers CUDA is.) Text that is not UTF-8 loses the offending
// bytes when the JSON is printed, as JSON cannot express them.
#pragma once

#include "base/json.h"
#include "gpuinit/facts.h"
#include "gpuinit/result.h"
#include "gpuinit/schema.h"

namespace gpuinit::facts {

// {"schema": 1, "image": {…}, "node": {…}}
base::Json facts_to_json(const Facts& facts);

// The values of "image" and "node", for the report.
base::Json image_to_json(const ImageFacts& image);
base::Json node_to_json(const NodeFacts& node);

// The node of {"node": {…}}, of a whole `--facts` output, or of a whole
// `--check --format json` output. People write such files by hand, so a wrong
// type, an unknown key or a version that no check can read is an error that
// names the place ("node.devices[0].compute_capability: expected …"). Keys that
// start with '_' or '$' are comments. What is left out is unknown.
Result<NodeFacts> node_from_json(const base::Json& document);

// The image of such a document, same rules.
Result<ImageFacts> image_from_json(const base::Json& document);

// Image and node of a `--facts` or `--check --format json` output, same rules.
Result<Facts> facts_from_json(const base::Json& document);

}  // namespace gpuinit::facts
