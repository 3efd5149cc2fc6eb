#include "node/read_node.h"

#include "node/device_nodes.h"
#include "node/environment.h"
#include "node/kernel_driver.h"
#include "node/libcuda.h"

namespace gpuinit::node {

NodeFacts read_node(const NodeQuery& query) {
  NodeFacts node;
  node.driver.kernel_version = read_kernel_version(query.fs);
  node.driver.libcuda = read_libcuda(query.fs, query.environment, node.driver.kernel_version);
  node.device_nodes = read_device_nodes(query.fs);
  node.environment = cuda_environment(query.environment);
  return node;
}

}  // namespace gpuinit::node
