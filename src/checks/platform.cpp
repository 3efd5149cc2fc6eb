// platform: the image is for another processor, or a better one, than this machine has.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "checks/check.h"
#include "checks/finding_builder.h"

namespace gpuinit::checks {

namespace {

// Processors that do not run each other's programs. (x86_64 runs i386, aarch64 arm.)
bool is_of_its_own(std::string_view machine) {
  constexpr std::array<std::string_view, 5> kMachines{"x86_64", "aarch64", "ppc64le", "riscv64",
                                                      "s390x"};
  return std::find(kMachines.begin(), kMachines.end(), machine) != kMachines.end();
}

// The loader refuses, before the first line of the program, what is marked for a better CPU.
Findings judge_cpu_level(const Context& context) {
  constexpr std::uint64_t kFirstThatLooks = 33;
  const auto& image = context.image;
  const auto& needed = image.cpu_level;
  const auto& cpu = context.node.cpu_level;
  if (!needed || *needed == "x86-64-v1" || cpu.is_absent() || (cpu && *needed <= *cpu)) return {};
  if (!cpu) return unknown("the CPU's level is not known", cpu.reason());
  if (image.glibc.is_unknown())
    return unknown("cannot tell whether glibc asks for " + *needed, image.glibc.reason());
  if (glibc_minor(image) < kFirstThatLooks) return {};
  Finding finding =
      failure(kExitFit, joined({"the image needs a CPU of ", *needed, ", and this one is ", *cpu}));
  add_evidence(finding, "needed level", *needed, image.cpu_level_of);
  add_evidence(finding, "CPU", *cpu);
  finding.why =
      "glibc stops before the program starts: \"CPU does not support x86-64-v2\", \"CPU ISA level "
      "is lower than required\". In a virtual machine the CPU model may hide what the host has.";
  finding.fix =
      joined({"Give the virtual machine the host's CPU (QEMU: -cpu host; Proxmox: CPU type "
              "host) or run it on a node that has ",
              *needed,
              " (/lib64/ld-linux-x86-64.so.2 --help), or use an older base "
              "image: Debian and Ubuntu run on every x86-64, UBI 9 on v2."});
  return finding;
}

std::string image_for_this_machine(std::string_view machine) {
  return joined({"Pull or build the image for this machine (docker: --platform linux/",
                 machine == "x86_64"    ? "amd64"
                 : machine == "aarch64" ? "arm64"
                                        : machine,
                 "), or run it on a node with the image's processor."});
}

// Such an image starts. It can be built and looked at so, and cannot reach a GPU.
Findings judge_emulation(const Context& context, const std::string& machine) {
  const auto& kernel = context.node.kernel_machine;
  if (!kernel || *kernel == machine || !is_of_its_own(*kernel) || context.no_gpu_needed())
    return judge_cpu_level(context);
  Finding finding = failure(
      kExitImage, joined({"the image is for ", machine, ", and an emulator runs it on ", *kernel}));
  add_evidence(finding, "kernel", *kernel + " (/proc/sys/kernel/arch)");
  finding.why =
      "An emulator such as qemu-user, which binfmt_misc starts, passes on system calls that it "
      "knows. Those of NVIDIA's driver are not among them, and libcuda would be the other "
      "processor's.";
  finding.fix = image_for_this_machine(*kernel);
  return finding;
}

Findings run(const Context& context) {
  const auto& image = context.image;
  // A root for another machine is built and looked at here, and will not run here.
  if (image.root != "/" && context.policy.gpu.required == GpuRequired::kNo)
    return skipped("the image is not run on this machine");
  if (image.interpreter.is_absent()) return skipped("no Python in the image");
  if (!image.interpreter)
    return unknown("the interpreter is not known", image.interpreter.reason());
  const auto& machine = context.node.machine;
  if (!machine) return unknown("the machine's processor is not known", machine.reason());
  const Interpreter& python = *image.interpreter;
  const bool by_torch = !python.machine && image.torch && image.torch->machine;
  const auto& built_for = by_torch ? image.torch->machine : python.machine;
  if (!built_for) return unknown("the interpreter's processor is not known", built_for.reason());
  if (*built_for == *machine) return judge_emulation(context, *machine);
  if (!is_of_its_own(*built_for) || !is_of_its_own(*machine)) return {};

  Finding finding = failure(kExitImage, std::string(by_torch ? "torch" : "the interpreter") +
                                            " was compiled for " + *built_for +
                                            ", and this machine is " + *machine);
  add_interpreter(finding, python);
  if (by_torch) add_evidence(finding, "torch", image.torch->path);
  add_evidence(finding, "machine", *machine);
  finding.why =
      "The kernel cannot run programs of another processor: \"exec format error\". An image for "
      "one platform was pulled on, or built for, another.";
  finding.fix = image_for_this_machine(*machine);
  return finding;
}

}  // namespace

extern constexpr Check kPlatform{
    .id = "platform",
    .exit_codes = "65 or 66",
    .needs_certain_interpreter = true,
    .title = "the image is for another processor than this machine has",
    .looks_at =
        "The ELF machine of the interpreter (or, where that is not known, of torch's extension) "
        "against `uname -m`. x86-64, aarch64, ppc64le, riscv64 and s390x do not run each other's "
        "programs; others are not judged. With --node the machine is that of the node file. Then "
        "the x86-64 level (v2, v3) that the interpreter, torch and their libraries are marked "
        "with, "
        "where glibc is 2.33 or newer, against the CPU's. A root that is looked at with --root and "
        "gpu.required = \"no\" is not run here and not judged. Interpreter and torch for different "
        "processors are python.abi's. Where a GPU is needed, the kernel's own processor "
        "(/proc/sys/kernel/arch, Linux 6.1) tells that an emulator runs the image.",
    .why =
        "The kernel refuses the program: \"exec format error\", and a pod restarts forever. It "
        "happens when an image for one platform is pulled on, or built on, another. glibc refuses "
        "a CPU below the level: UBI 9 needs x86-64-v2, UBI 10 v3.",
    .fix =
        "Pull or build the image for the node's processor (docker build --platform "
        "linux/amd64,linux/arm64), or pin the pod to nodes of the image's (nodeSelector "
        "kubernetes.io/arch); give a virtual machine the host's CPU.",
    .source = "execve(2), ENOEXEC; uname(2); glibc, sysdeps/x86/dl-prop.h, isa-level.c",
    .run = run,
};

}  // namespace gpuinit::checks
