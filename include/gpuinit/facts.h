// Everything gpuinit found: what the image brought and what the node brought.
//
// Plain data. Readers (src/image, src/node, src/probe) fill it, checks judge it, src/facts
// writes it as JSON and reads it back without loss. Paths are as seen
// inside the root (`--root`), always absolute. Versions are text as found
// ("12.8", "535.104.05"); src/rules compares them.
#pragma once

#include "gpuinit/image_facts.h"
#include "gpuinit/node_facts.h"

namespace gpuinit {

struct Facts {
  ImageFacts image;
  NodeFacts node;
  bool operator==(const Facts&) const = default;
};

}  // namespace gpuinit
