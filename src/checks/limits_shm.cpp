// limits.shm: /dev/shm is too small for data loaders and NCCL.
#include <algorithm>

#include "base/byte_size.h"
#include "base/text.h"
#include "checks/check.h"
#include "checks/device_files.h"
#include "checks/finding_builder.h"
#include "rules/command_words.h"

namespace gpuinit::checks {

namespace {

// What docker and the kubelet give a container that asks for nothing.
constexpr std::uint64_t kDefaultShm = 64 * base::kMiB;
// A batch of a data loader is often larger than that.
constexpr std::uint64_t kFullShm = 16 * base::kMiB;

// The words of the command, and of what it was followed to.
std::vector<std::string> words_of(const ImageFacts& image) {
  std::vector<std::string> words = image.command;
  if (!image.program) return words;
  for (const auto word : base::split_words(image.program->runs)) words.emplace_back(word);
  words.insert(words.end(), image.program->imports.begin(), image.program->imports.end());
  return words;
}

// Whether processes are likely to share memory: several GPUs, or a command that starts such
// processes. What a script's data loaders do cannot be seen.
bool shares_memory(const Context& context) {
  const auto& devices = context.node.devices;
  if ((devices ? devices->size() : gpu_files(context.node)) > 1) return true;
  return std::ranges::any_of(words_of(context.image), rules::is_launcher);
}

Findings run(const Context& context) {
  if (!context.image.torch) return {};
  const auto& memory = context.node.shared_memory;
  if (memory.is_unknown() && shares_memory(context))
    return unknown("the size of /dev/shm is not known", memory.reason());
  if (memory.is_unknown()) return {};
  const bool full = memory && memory->bytes > kDefaultShm && memory->free_bytes < kFullShm;
  if (memory && !full && (memory->bytes > kDefaultShm || !shares_memory(context))) return {};
  Finding finding =
      failure(kExitNode, !memory ? std::string("there is no /dev/shm")
                         : full  ? "/dev/shm is full: " + base::mebibytes(memory->free_bytes) +
                                      " of " + base::mebibytes(memory->bytes) + " are free"
                                : "/dev/shm has only " + base::mebibytes(memory->bytes));
  finding.needs = joined({">", std::to_string(full ? kFullShm : kDefaultShm)});
  finding.has = std::to_string(!memory ? 0 : full ? memory->free_bytes : memory->bytes);
  add_evidence(
      finding, "/dev/shm",
      memory ? base::mebibytes(memory->bytes) + ", " + base::mebibytes(memory->free_bytes) + " free"
             : "none");
  finding.why =
      "Data loader workers hand their batches over in shared memory, and NCCL talks through it "
      "between processes: \"DataLoader worker is killed by signal: Bus error\", \"unhandled system "
      "error\". A single process without workers does not need it.";
  finding.fix = full ? "Look for what other processes left in /dev/shm, or make it larger."
                     : "docker or podman: --shm-size=8g or --ipc=host. Kubernetes: an emptyDir "
                       "with `medium: Memory` mounted at /dev/shm.";
  return finding;
}

}  // namespace

extern constexpr Check kLimitsShm{
    .id = "limits.shm",
    .level = Level::kWarn,
    .exit_codes = "69",
    .needs_gpu = true,
    .title = "/dev/shm is too small for data loaders and NCCL",
    .looks_at =
        "The size of the file system on /dev/shm, where torch needs a GPU: less than 16 MiB free, "
        "none at all, or 64 MiB or less (what docker and Kubernetes give a container that asks for "
        "nothing) beside several GPUs or a command such as torchrun, accelerate, deepspeed, vllm, "
        "sglang or ray. How many workers a script's data loaders have cannot be seen: one GPU and "
        "`python train.py` say nothing.",
    .why =
        "\"DataLoader worker is killed by signal: Bus error\", \"unhandled system error\" from "
        "NCCL. A single process without workers never notices.",
    .fix =
        "docker or podman: --shm-size=8g or --ipc=host. Kubernetes: an emptyDir with `medium: "
        "Memory` mounted at /dev/shm. If nothing needs it, set checks.limits.shm = \"off\".",
    .source =
        "PyTorch README, \"Docker Image\"; docker run, --shm-size; NCCL User Guide, "
        "\"Troubleshooting\"",
    .run = run,
};

}  // namespace gpuinit::checks
