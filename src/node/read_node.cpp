#include "node/read_node.h"

namespace gpuinit::node {

NodeFacts read_node(const NodeQuery& query) {
  NodeFacts node;
  node.machine = read_machine();
  node.kernel_machine = read_kernel_machine(query.fs);
  node.cpu_level = read_cpu_level(node.machine);
  node.driver.kernel_version = read_kernel_version(query.fs);
  node.driver.libcuda = read_libcuda(query.fs, query.environment, node.driver.kernel_version);
  if (node.driver.libcuda.is_absent())
    node.driver.libcuda_elsewhere = find_libcuda_elsewhere(query.fs);
  node.driver.libnvidia_ml = find_libnvidia_ml(query.fs, query.environment);
  node.kernel_gpus = read_kernel_gpus(query.fs);
  node.device_nodes = read_device_nodes(query.fs);
  node.environment = cuda_environment(query.environment);
  node.jit_cache = read_jit_cache(query.fs, query.environment);
  node.places = read_places(query.fs, query.environment);
  node.shared_memory = read_shared_memory(query.fs);
  node.limits = read_limits(query.fs);
  node.rdma_devices = read_rdma_devices(query.fs);
  return node;
}

}  // namespace gpuinit::node
