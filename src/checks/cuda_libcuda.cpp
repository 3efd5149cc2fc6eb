// cuda.libcuda: a libcuda.so.1 is there, is not a stub and fits the kernel driver.
#include <algorithm>
#include <cerrno>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/driver_view.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

constexpr int kStubLibrary = 34;
constexpr int kSystemDriverMismatch = 803;

// Neither kernel driver nor a device node with something behind it. A container
// engine may leave an empty node behind, and then it is not known whether the module is loaded.
bool nothing_of_a_driver(const NodeFacts& node) {
  if (!node.device_nodes || node.driver.kernel_version) return false;
  const bool dead = std::all_of(
      node.device_nodes->begin(), node.device_nodes->end(),
      [](const auto& device) { return device.open_errno == ENXIO || device.open_errno == ENODEV; });
  return dead && (node.driver.kernel_version.is_absent() || !node.device_nodes->empty());
}

// It is there, and the loader does not look there: no runtime has to bring it.
Finding not_looked_at(const Context& context, const std::string& path) {
  const std::string directory(base::parent(path));
  Finding finding = failure(
      kExitNode, joined({"libcuda.so.1 lies in ", directory, ", where the loader does not look"}));
  add_driver(finding, context.node.driver);
  add_evidence(finding, "not looked at", path);
  add_variables(finding, context, {"LD_LIBRARY_PATH"});
  finding.why =
      "torch would say \"Found no NVIDIA driver on your system\", or a library \"libcuda.so.1: "
      "cannot open shared object file\".";
  finding.fix =
      joined({"Set LD_LIBRARY_PATH=", directory,
              context.variable("LD_LIBRARY_PATH").value_or("").empty() ? "" : ":$LD_LIBRARY_PATH",
              ", or name the directory in /etc/ld.so.conf.d and run ldconfig."});
  return finding;
}

Finding no_libcuda(const Context& context) {
  const NodeFacts& node = context.node;
  if (node.driver.libcuda_elsewhere) return not_looked_at(context, *node.driver.libcuda_elsewhere);
  const bool nothing = nothing_of_a_driver(node);
  const bool kernel_there = node.driver.kernel_version.known();

  Finding finding = failure(
      kExitNode, nothing ? "the container sees no NVIDIA driver at all: no libcuda.so.1, no kernel "
                           "driver, no device"
                 : kernel_there ? "the node has NVIDIA driver " + *node.driver.kernel_version +
                                      ", but no libcuda.so.1 was brought into the container"
                                : std::string("there is no libcuda.so.1 in the container"));
  add_driver(finding, node.driver);
  if (node.probe && node.probe->load_error)
    add_evidence(finding, "dlopen", *node.probe->load_error);
  add_variables(finding, context,
                {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "LD_LIBRARY_PATH"});
  finding.why =
      "torch would say \"Found no NVIDIA driver on your system\", or a library \"libcuda.so.1: "
      "cannot open shared object file\".";
  finding.fix = std::string("Start the container with the NVIDIA runtime: ") + kGiveGpu;
  return finding;
}

Finding cannot_load(const Context& context, const std::string& error) {
  Finding finding = failure(kExitNode, "libcuda.so.1 cannot be loaded: " + error);
  add_driver(finding, context.node.driver);
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why = "torch loads the same library in the same way, and would find no GPU.";
  finding.fix =
      "Start the container with the NVIDIA runtime, and keep the image's own copies of libcuda out "
      "of LD_LIBRARY_PATH.";
  return finding;
}

Finding stub(const Context& context) {
  Finding finding = failure(kExitNode, "the libcuda.so.1 that would be loaded is a link-time stub");
  add_driver(finding, context.node.driver);
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why = "A stub has no driver in it: \"CUDA driver is a stub library\" (error 34).";
  finding.fix =
      "Remove the `stubs` directory from LD_LIBRARY_PATH and /etc/ld.so.conf.d in the image; it is "
      "for linking only. Then start the container with the NVIDIA runtime.";
  return finding;
}

Finding mismatch(const Context& context, std::string summary) {
  Finding finding = failure(kExitNode, std::move(summary));
  add_driver(finding, context.node.driver);
  add_variables(finding, context, {"LD_LIBRARY_PATH", "LD_PRELOAD"});
  finding.why =
      "libcuda and kernel driver must be of one release: \"system has unsupported display driver / "
      "cuda driver combination\" (error 803).";
  finding.fix =
      "Remove a libcuda that came with the image (packages such as libcuda1 or "
      "libnvidia-compute-*) so that the NVIDIA runtime's is found. If there is none, the node's "
      "driver was updated without a reload: restart the node.";
  return finding;
}

Findings judge_found_library(const Context& context, const LibCuda& library) {
  const auto init = context.init_error();
  if (init == kStubLibrary || (library.kind == "stub" && init != 0)) return stub(context);
  if (library.kind == "forward-compat") return {};  // cuda.compat judges that
  if (init == kSystemDriverMismatch)
    return mismatch(context, "libcuda.so.1 does not fit the kernel driver (cuInit: error 803)");

  // A driver that initialises fits, whatever the file names say; under WSL the
  // kernel's driver is that of Windows.
  if (init == 0 || library.kind != "driver" || is_wsl(context.node)) return {};
  const auto kernel = driver_release(context.node.driver.kernel_version);
  const auto release = driver_release(library.version);
  if (kernel && release && releases_differ(*kernel, *release))
    return mismatch(context, "libcuda.so.1 is of driver " + *library.version +
                                 ", and the kernel driver is " +
                                 *context.node.driver.kernel_version);
  return {};
}

Findings run(const Context& context) {
  const auto& library = context.node.driver.libcuda;
  const auto& probe = context.node.probe;

  if (context.probe_loaded_libcuda())
    return library                                ? judge_found_library(context, *library)
           : context.init_error() == kStubLibrary ? Findings{stub(context)}
                                                  : Findings{};
  if (library.is_absent()) return no_libcuda(context);
  if (probe && probe->load_error) {
    if (library && library->kind == "stub") return stub(context);
    return cannot_load(context, *probe->load_error);
  }
  if (library) {
    Findings findings = judge_found_library(context, *library);
    const bool musl = context.image.interpreter && context.image.interpreter->libc &&
                      *context.image.interpreter->libc == "musl";
    if (findings.empty() && probe && probe->outcome == ProbeRun::Outcome::kNoLoader && musl &&
        !context.suppressed_by("python.abi")) {
      Finding finding = failure(kExitImage, "the image has no glibc, which libcuda needs");
      add_evidence(finding, "probe", probe->detail);
      finding.why =
          "NVIDIA's driver libraries are glibc libraries: nothing in a musl image can load them.";
      finding.fix = "Use a glibc base image such as debian or ubuntu instead of alpine.";
      return finding;
    }
    return findings;
  }
  // A driver whose CUDA version is known has been loaded once (a hand-written node file).
  if (context.node.driver.cuda_version) return {};
  return unknown("cannot tell which libcuda.so.1 would be loaded", library.reason());
}

}  // namespace

extern constexpr Check kCudaLibcuda{
    .id = "cuda.libcuda",
    .exit_codes = "65 or 69",
    .needs_gpu = true,
    .suppressed_by = "cuda.capabilities cuda.compat",
    .title = "libcuda.so.1 is absent, a stub, or does not match the kernel driver",
    .looks_at =
        "The libcuda.so.1 that the loader will pick (LD_PRELOAD, LD_LIBRARY_PATH, ld.so.cache, "
        "default directories), its release against the kernel driver's in "
        "/proc/driver/nvidia/version, and what happened when a child process loaded it. A libcuda "
        "that loads and initialises passes whatever its name says. 65 only for an image without "
        "glibc, in which no libcuda can be loaded.",
    .why =
        "Without it: \"Found no NVIDIA driver on your system\", \"libcuda.so.1: cannot open shared "
        "object file\". A stub: \"CUDA driver is a stub library\" (34). Another release than the "
        "kernel driver: \"system has unsupported display driver / cuda driver combination\" (803).",
    .fix =
        "Start the container with the NVIDIA runtime (docker: --gpus all; Kubernetes: a "
        "nvidia.com/gpu limit and the device plugin). Keep stubs and driver packages out of the "
        "image. If the image has none, restart the node: its driver was updated without a reload.",
    .source = "NVIDIA Container Toolkit documentation; cuda.h, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    .run = run,
};

}  // namespace gpuinit::checks
