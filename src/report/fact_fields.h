// What each struct of facts.h is called in JSON: one list of fields per struct,
// which the writer and the reader of facts_json.cpp both walk.
//
// An archive offers `field(name, member, form)` for what may be left out and
// `required(name, member, form)` for plain members whose default would claim
// something (an open_errno of 0 says "it opened"). Names are those of facts.h;
// image.* and node.* of the README are a contract and never change.
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "gpuinit/facts.h"

namespace gpuinit::report {

// What a text must look like in a hand-written file, where a value that no
// check can read would silently become one that no check fails on.
struct Form {
  std::string_view example;                     // shown in the error message
  bool (*accepts)(std::string_view) = nullptr;  // null: everything
};

// "535.104.05": at least `parts` numbers with dots between them.
inline bool is_dotted_number(std::string_view text, std::size_t parts) {
  const auto numbers = base::split(text, '.');
  for (auto number : numbers)
    if (number.size() > 9 || !base::parse_number(number)) return false;
  return numbers.size() >= parts;
}

inline constexpr Form kAnyForm{};
inline constexpr Form kDriverForm{"\"535.104.05\"",
                                  [](std::string_view t) { return is_dotted_number(t, 2); }};
inline constexpr Form kCudaForm{"\"12.2\"",
                                [](std::string_view t) { return is_dotted_number(t, 2); }};
inline constexpr Form kCapabilityForm{"\"9.0\"", [](std::string_view t) {
                                        return is_dotted_number(t, 2) && !is_dotted_number(t, 3);
                                      }};
inline constexpr Form kKindForm{
    "\"driver\", \"stub\" or \"forward-compat\"", [](std::string_view t) {
      return t.empty() || t == "driver" || t == "stub" || t == "forward-compat";
    }};
// What `uname -m` calls it; "amd64" and "arm64" are what others call the same.
inline constexpr Form kMachineForm{"\"x86_64\" or \"aarch64\"", [](std::string_view t) {
                                     return !t.empty() && t != "amd64" && t != "x64" &&
                                            t != "x86-64" && t != "arm64";
                                   }};
inline constexpr Form kBytesForm{"85899345920"};

// The JSON word of each ProbeRun::Outcome, in the order of the enumeration.
inline constexpr std::array<std::string_view, 7> kOutcomeWords{
    "answered", "timed-out", "crashed", "exited", "garbled", "no-loader", "not-started"};

// The writer passes const objects, the reader mutable ones.
template <class T, class Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

void describe(auto& archive, Is<Interpreter> auto& it) {
  archive.field("path", it.path);
  archive.field("real_path", it.real_path);
  archive.field("chosen_because", it.chosen_because);
  archive.field("from_command", it.from_command);
  archive.field("version", it.version);
  archive.field("soabi", it.soabi);
  archive.field("soabi_source", it.soabi_source);
  archive.field("machine", it.machine);
  archive.field("libc", it.libc);
  archive.field("libpython", it.libpython);
  archive.field("environment", it.environment);
  archive.field("prefix", it.prefix);
  archive.field("base_prefix", it.base_prefix);
  archive.field("sys_path", it.sys_path);
  archive.field("sys_path_notes", it.sys_path_notes);
}

void describe(auto& archive, Is<FatbinGroup> auto& it) {
  archive.field("targets", it.targets);
  archive.field("ptx_isa", it.ptx_isa);
  archive.field("containers", it.containers);
}

void describe(auto& archive, Is<DeviceCode> auto& it) {
  archive.field("files", it.files);
  archive.field("entries", it.entries);
  archive.field("groups", it.groups);
}

void describe(auto& archive, Is<Torch> auto& it) {
  archive.field("path", it.path);
  archive.field("sys_path_entry", it.sys_path_entry);
  archive.field("shadowed", it.shadowed);
  archive.field("layout", it.layout);
  archive.field("version", it.version);
  archive.field("metadata_version", it.metadata_version);
  archive.field("cuda", it.cuda);
  archive.field("hip", it.hip);
  archive.field("soabi", it.soabi);
  archive.field("soabis", it.soabis);
  archive.field("machine", it.machine);
  archive.field("exports_init", it.exports_init);
  archive.field("missing_python_symbols", it.missing_python_symbols);
  archive.field("wheel_tags", it.wheel_tags);
  archive.field("cxx11_abi", it.cxx11_abi);
  archive.field("numpy_abi", it.numpy_abi);
  archive.field("missing_files", it.missing_files);
  archive.field("arch_list", it.arch_list);
  archive.field("device_code", it.device_code);
}

void describe(auto& archive, Is<CudaRuntime> auto& it) {
  archive.field("soname", it.soname);
  archive.field("path", it.path);
  archive.field("found_by", it.found_by);
  archive.field("version", it.version);
  archive.field("version_source", it.version_source);
}

void describe(auto& archive, Is<CompatNote> auto& it) {
  archive.required("cuda_version", it.cuda_version, kCudaForm);
  archive.field("driver_branches", it.driver_branches);
}

void describe(auto& archive, Is<CompatLibrary> auto& it) {
  archive.field("directory", it.directory);
  archive.field("real_path", it.real_path);
  archive.field("version", it.version, kDriverForm);
  archive.field("note", it.note);
}

void describe(auto& archive, Is<LoadedLibrary> auto& it) {
  archive.field("name", it.name);
  archive.field("path", it.path);
  archive.field("needed_by", it.needed_by);
  archive.field("found_by", it.found_by);
  archive.field("hides", it.hides);
}

void describe(auto& archive, Is<MissingLibrary> auto& it) {
  archive.field("name", it.name);
  archive.field("needed_by", it.needed_by);
  archive.field("reason", it.reason);
  archive.field("elsewhere", it.elsewhere);
  archive.field("of_driver", it.of_driver);
}

void describe(auto& archive, Is<MissingVersion> auto& it) {
  archive.field("version", it.version);
  archive.field("file", it.file);
  archive.field("provider", it.provider);
  archive.field("found_by", it.found_by);
  archive.field("needed_by", it.needed_by);
  archive.field("highest", it.highest);
}

void describe(auto& archive, Is<UndefinedSymbol> auto& it) {
  archive.field("name", it.name);
  archive.field("version", it.version);
  archive.field("needed_by", it.needed_by);
}

void describe(auto& archive, Is<LoadProblems> auto& it) {
  archive.field("missing", it.missing);
  archive.field("missing_versions", it.missing_versions);
  archive.field("undefined_symbols", it.undefined_symbols);
}

void describe(auto& archive, Is<LoaderFacts> auto& it) {
  archive.field("libraries", it.libraries);
  archive.field("problems", it.problems);
  archive.field("notes", it.notes);
}

void describe(auto& archive, Is<Extension> auto& it) {
  archive.field("path", it.path);
  archive.field("package", it.package);
  archive.field("asked_for", it.asked_for);
  archive.field("soabi", it.soabi);
  archive.field("machine", it.machine);
  archive.field("init_function", it.init_function);
  archive.field("needs", it.needs);
  archive.field("cxx11_abi", it.cxx11_abi);
  archive.field("numpy_abi", it.numpy_abi);
  archive.field("problems", it.problems);
  archive.field("device_code", it.device_code);
}

void describe(auto& archive, Is<Package> auto& it) {
  archive.field("name", it.name);
  archive.field("version", it.version);
  archive.field("path", it.path);
  archive.field("requires_dist", it.requires_dist);
}

void describe(auto& archive, Is<PythonImport> auto& it) {
  archive.required("name", it.name);
  archive.field("error", it.error);
  archive.field("message", it.message);
  archive.field("traceback", it.traceback);
  archive.field("version", it.version);
  archive.field("file", it.file);
  archive.field("milliseconds", it.milliseconds);
}

void describe(auto& archive, Is<PythonTorch> auto& it) {
  archive.field("version", it.version);
  archive.field("file", it.file);
  archive.field("cuda", it.cuda);
  archive.field("hip", it.hip);
  archive.field("arch_list", it.arch_list);
  archive.field("cudnn", it.cudnn);
  archive.field("config", it.config);
}

void describe(auto& archive, Is<PythonAnswer> auto& it) {
  archive.field("run", it.run);
  archive.field("mode", it.mode);
  archive.field("way", it.way);
  archive.field("because", it.because);
  archive.field("version", it.version);
  archive.field("soabi", it.soabi);
  archive.field("executable", it.executable);
  archive.field("prefix", it.prefix);
  archive.field("base_prefix", it.base_prefix);
  archive.field("exec_prefix", it.exec_prefix);
  archive.field("sys_path", it.sys_path);
  archive.field("flags", it.flags);
  archive.field("torch_origin", it.torch_origin);
  archive.field("torch", it.torch);
  archive.field("imports", it.imports);
}

void describe(auto& archive, Is<ImageFacts> auto& it) {
  archive.field("root", it.root);
  archive.field("command", it.command);
  archive.field("interpreter", it.interpreter);
  archive.field("torch", it.torch);
  archive.field("cuda_runtime", it.cuda_runtime);
  archive.field("compat_libraries", it.compat_libraries);
  archive.field("loader", it.loader);
  archive.field("extensions", it.extensions);
  archive.field("packages", it.packages);
  archive.field("python_probe", it.python_probe);
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

void describe(auto& archive, Is<SharedMemory> auto& it) {
  archive.required("bytes", it.bytes, kBytesForm);
  archive.required("free_bytes", it.free_bytes, kBytesForm);
}

void describe(auto& archive, Is<Limits> auto& it) {
  archive.field("memlock_bytes", it.memlock_bytes, kBytesForm);
  archive.field("ipc_lock", it.ipc_lock);
}

void describe(auto& archive, Is<NodeFacts> auto& it) {
  archive.field("machine", it.machine, kMachineForm);
  archive.field("driver", it.driver);
  archive.field("kernel_gpus", it.kernel_gpus);
  archive.field("device_nodes", it.device_nodes);
  archive.field("devices", it.devices);
  archive.field("environment", it.environment);
  archive.field("probe", it.probe);
  archive.field("jit_cache", it.jit_cache);
  archive.field("shared_memory", it.shared_memory);
  archive.field("limits", it.limits);
  archive.field("rdma_devices", it.rdma_devices);
}

}  // namespace gpuinit::report
