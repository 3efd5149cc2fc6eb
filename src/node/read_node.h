// The half of the node's facts that files tell; the driver itself is asked by
// src/probe, whose part (devices, cuda_version, probe) stays unknown here.
#pragma once

#include <map>
#include <string>

#include "base/root_fs.h"
#include "gpuinit/facts.h"

namespace gpuinit::node {

struct NodeQuery {
  const base::RootFs& fs;                          // the machine's own tree, "/"
  std::map<std::string, std::string> environment;  // of the command
};

// Fills everything but devices, driver.cuda_version and probe.
// Opens and closes each NVIDIA device node once (see device_nodes.h).
NodeFacts read_node(const NodeQuery& query);

}  // namespace gpuinit::node
