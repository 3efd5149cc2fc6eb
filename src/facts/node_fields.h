// What each struct of node_facts.h is called in JSON (see fact_fields.h).
#pragma once

#include "facts/fact_forms.h"

namespace gpuinit::facts {

void describe(auto& archive, Is<CompatNote> auto& it) {
  archive.required("cuda_version", it.cuda_version, kCudaForm);
  archive.field("driver_branches", it.driver_branches);
}

void describe(auto& archive, Is<LibCuda> auto& it) {
  archive.field("path", it.path);
  archive.field("real_path", it.real_path);
  archive.field("found_by", it.found_by);
  archive.field("kind", it.kind, kKindForm);
  archive.field("version", it.version, kDriverForm);
  archive.field("compat_note", it.compat_note);
  archive.field("hides", it.hides);
}

void describe(auto& archive, Is<Driver> auto& it) {
  archive.field("kernel_version", it.kernel_version, kDriverForm);
  archive.field("cuda_version", it.cuda_version, kCudaForm);
  archive.field("libcuda", it.libcuda);
  archive.field("libcuda_elsewhere", it.libcuda_elsewhere);
  archive.field("libnvidia_ml", it.libnvidia_ml);
}

void describe(auto& archive, Is<KernelGpu> auto& it) {
  archive.field("bus_id", it.bus_id);
  archive.field("name", it.name);
  archive.field("uuid", it.uuid);
  archive.field("minor", it.minor);
}

void describe(auto& archive, Is<DeviceNode> auto& it) {
  archive.required("path", it.path);
  archive.required("open_errno", it.open_errno);
}

void describe(auto& archive, Is<ContextTrial> auto& it) {
  archive.field("step", it.step);
  archive.required("cuda_error", it.cuda_error);
  archive.required("kernel_ran", it.kernel_ran);
  archive.required("result_correct", it.result_correct);
  archive.field("note", it.note);
  archive.field("milliseconds", it.milliseconds);
}

void describe(auto& archive, Is<Device> auto& it) {
  archive.field("name", it.name);
  archive.field("uuid", it.uuid);
  archive.field("compute_capability", it.compute_capability, kCapabilityForm);
  archive.field("memory_bytes", it.memory_bytes, kBytesForm);
  archive.field("memory_free_bytes", it.memory_free_bytes, kBytesForm);
  archive.field("mig", it.mig);
  archive.field("compute_mode", it.compute_mode);
  archive.field("context", it.context);
}

void describe(auto& archive, Is<ProbeRun> auto& it) {
  archive.required("outcome", it.outcome);
  archive.field("detail", it.detail);
  archive.field("last_step", it.last_step);
  archive.field("load_error", it.load_error);
  archive.field("init_error", it.init_error);
  archive.field("milliseconds", it.milliseconds);
  archive.field("out_of_memory", it.out_of_memory);
  archive.field("sandbox", it.sandbox);
  archive.field("refused_calls", it.refused_calls);
  archive.field("unexpected_calls", it.unexpected_calls);
}

void describe(auto& archive, Is<JitCache> auto& it) {
  archive.required("path", it.path);
  archive.required("write_errno", it.write_errno);
  archive.field("free_bytes", it.free_bytes, kBytesForm);
}

void describe(auto& archive, Is<WritablePlace> auto& it) {
  archive.required("name", it.name);
  archive.required("path", it.path);
  archive.required("write_errno", it.write_errno);
  archive.field("free_bytes", it.free_bytes, kBytesForm);
  archive.field("noexec", it.noexec);
  archive.field("filled", it.filled);
}

void describe(auto& archive, Is<SharedMemory> auto& it) {
  archive.required("bytes", it.bytes, kBytesForm);
  archive.required("free_bytes", it.free_bytes, kBytesForm);
}

void describe(auto& archive, Is<Limits> auto& it) {
  archive.field("memlock_bytes", it.memlock_bytes, kBytesForm);
  archive.field("ipc_lock", it.ipc_lock);
  archive.field("clone3_errno", it.clone3_errno);
  archive.field("tasks_left", it.tasks_left);
  archive.field("cpus", it.cpus);
}

void describe(auto& archive, Is<NodeFacts> auto& it) {
  archive.field("machine", it.machine, kMachineForm);
  archive.field("kernel_machine", it.kernel_machine, kMachineForm);
  archive.field("cpu_level", it.cpu_level, kCpuLevelForm);
  archive.field("driver", it.driver);
  archive.field("kernel_gpus", it.kernel_gpus);
  archive.field("device_nodes", it.device_nodes);
  archive.field("devices", it.devices);
  archive.field("environment", it.environment);
  archive.field("probe", it.probe);
  archive.field("jit_cache", it.jit_cache);
  archive.field("places", it.places);
  archive.field("shared_memory", it.shared_memory);
  archive.field("limits", it.limits);
  archive.field("rdma_devices", it.rdma_devices);
}

}  // namespace gpuinit::facts
