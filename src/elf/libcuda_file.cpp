#include "elf/libcuda_file.h"

#include <limits>

#include "base/json.h"
#include "base/root_fs.h"
#include "base/text.h"
#include "elf/driver_release.h"

namespace gpuinit::elf {

namespace {

constexpr const char* kNoteSection = ".note.cuda.fwd_compatibility";
constexpr const char* kNoteOwner = "NVIDIA Corporation";
constexpr std::size_t kMaxNote = 64ULL * 1024;
constexpr std::size_t kMaxBranches = 1000;

}  // namespace

std::optional<std::string> release_in_name(std::string_view real_path) {
  constexpr std::string_view kStem = "libcuda.so.";
  const auto name = base::basename(real_path);
  if (!name.starts_with(kStem)) return std::nullopt;
  const auto release = name.substr(kStem.size());
  // Tegra and WSL call theirs libcuda.so.1.1: an ABI, not a release.
  if (!is_release(release) || release.find('.') < 3) return std::nullopt;
  return std::string(release);
}

Result<CompatNote> parse_compat_note(std::string_view json) {
  while (json.ends_with('\0')) json.remove_suffix(1);  // the note's padding
  if (json.size() > kMaxNote) return Error{"the note is absurdly long"};
  auto document = base::parse_json(json);
  if (!document) return std::move(document).error();
  CompatNote note;
  const auto* version = document->find("CUDA Version");
  const auto* text = version == nullptr ? nullptr : version->as_string();
  if (text == nullptr || !is_release(*text)) return Error{"the note has no \"CUDA Version\""};
  note.cuda_version = *text;
  const auto* driver = document->find("Driver");
  if (driver == nullptr) return note;
  const auto* branches = driver->as_array();
  if (branches == nullptr || branches->size() > kMaxBranches)
    return Error{"\"Driver\" of the note is no list of branches"};
  for (const auto& branch : *branches) {
    const auto* number = std::get_if<std::uint64_t>(&branch.value);
    if (number == nullptr || *number > std::numeric_limits<int>::max())
      return Error{"\"Driver\" of the note is no list of branches"};
    note.driver_branches.push_back(static_cast<int>(*number));
  }
  return note;
}

Fact<CompatNote> read_compat_note(const ElfFile& elf) {
  auto description = elf.note(kNoteSection, kNoteOwner);
  if (!description) return Fact<CompatNote>::unknown(description.error().message);
  if (!*description) return Fact<CompatNote>::absent();
  auto note = parse_compat_note(**description);
  if (!note)
    return Fact<CompatNote>::unknown(std::string(kNoteSection) + ": " + note.error().message);
  return std::move(note).value();
}

}  // namespace gpuinit::elf
