// What CUDA_VISIBLE_DEVICES makes visible.
//
// A list of GPUs, separated by commas: numbers, or UUIDs that may be cut short as long as
// only one GPU begins so ("GPU-8932f937"), or MIG instances. Reading ends at the first
// entry that names nothing, and what follows it is not visible either. A GPU that is named
// twice leaves none visible. A number is read as strtoul does: "2" and "+2" and "2nd" are 2.
//
// Sources: CUDA Programming Guide, "CUDA Environment Variables"; PyTorch,
// torch/cuda/__init__.py (_parse_visible_devices) and test/test_cuda_nvml_based_avail.py,
// which do as the driver does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpuinit::rules {

struct VisibleEntry {
  enum class Kind { kIndex, kGpu, kMig };
  Kind kind = Kind::kIndex;
  std::uint64_t index = 0;  // kIndex only
  std::string text;         // without blanks around it
};

struct VisibleDevices {
  std::vector<VisibleEntry> entries;  // up to where reading ends
  std::string stopped_at;             // the entry that ended it; empty: it was read to the end
  std::vector<std::string> unread;    // entries that follow it
  std::string twice;                  // an entry that names a GPU again: nothing is visible
};

VisibleDevices parse_visible_devices(std::string_view text);

// The GPUs that would be there without the variable, as far as they are known.
struct KnownGpus {
  std::optional<std::size_t> count;
  std::vector<std::string> uuids;  // of all of them, or empty
};

// The same list, ended at the first entry that none of the GPUs answers to. MIG instances
// are taken as they are.
VisibleDevices among(VisibleDevices list, const KnownGpus& gpus);

}  // namespace gpuinit::rules
