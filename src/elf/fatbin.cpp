// Hops from header to header through fatbin sections. docs/fatbin.md has the layout.
#include "elf/fatbin.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/checked.h"
#include "base/text.h"
#include "elf/fatbin_fetch.h"
#include "elf/fatbin_layout.h"

namespace gpuinit::elf {

namespace {

// Upper limits; those of containers are in fatbin_layout.h. The largest seen: 5,737 entries in
// cuBLASLt; 144-byte entry headers; 26 kinds of containers.
constexpr std::uint64_t kMaxEntries = 1'000'000;
constexpr std::uint32_t kMaxEntryHeader = 64 * 1024;  // bytes
constexpr std::size_t kMaxGroups = 1024;
constexpr std::uint32_t kMaxArch = 9999;
constexpr std::uint64_t kMaxPadding = 4096;  // bytes of zeros in a row

// No cubin smaller than this holds a kernel: none of 246 in torch 2.5.1 and cuFFT
// did, and the smallest seen with one has 2,504 bytes. What nvlink leaves in
// every device-linked program (1.4 to 1.9 KB) and translation units with
// constants only are below it.
constexpr std::uint64_t kSmallestKernel = 2048;  // bytes, uncompressed

constexpr std::uint16_t kKindPtx = 1;
constexpr std::uint16_t kKindCubin = 2;
constexpr std::uint64_t kArchSpecific = 0x100000;    // sm_90a
constexpr std::uint64_t kFamilySpecific = 0x200000;  // sm_100f

// "8.10" is newer than "8.9".
using PtxIsa = std::pair<std::uint16_t, std::uint16_t>;

// What an entry is for, in one number: architecture, kind and the flags that tell variants apart.
// Its name is made once a walk.
using Target = std::uint64_t;
constexpr int kKindAt = 16;  // kMaxArch is below, the flags are above

struct Container {
  std::vector<Target> targets;  // sorted, each once
  std::optional<PtxIsa> ptx_isa;
  bool may_hold_kernel = false;
};

std::string isa_text(PtxIsa isa) {
  return std::to_string(isa.first) + "." + std::to_string(isa.second);
}

// Requires: made by isa_text.
PtxIsa parse_isa(std::string_view text) {
  const auto dot = text.find('.');
  const auto part = [](std::string_view digits) {
    return static_cast<std::uint16_t>(base::parse_number(digits).value_or(0));
  };
  return {part(text.substr(0, dot)), part(text.substr(dot + 1))};
}

Target target_of(const EntryHeader& entry) {
  return entry.arch | Target{entry.kind} << kKindAt |
         (entry.flags & (kArchSpecific | kFamilySpecific));
}

std::string name_of(Target target) {
  std::string name = ((target >> kKindAt) & kKindPtx) != 0 ? "compute_" : "sm_";
  name += std::to_string(target & ((1U << kKindAt) - 1));
  if ((target & kArchSpecific) != 0) name += 'a';
  if ((target & kFamilySpecific) != 0) name += 'f';
  return name;
}

class Walker {
 public:
  Walker(const base::ByteSource& source, DeviceCode& into) : source_(source), into_(into) {}

  Result<std::uint64_t> section(std::uint64_t offset, std::uint64_t size) {
    if (!base::range_inside(offset, size, source_.size()))
      return broken(offset, "the section runs out of the file");
    const std::uint64_t end = offset + size;
    while (offset < end) {
      auto head = read_head(offset, end);
      if (!head) return std::move(head).error();
      const ContainerHeader* header = &head->container;
      if (header->magic == 0) {
        auto next = skip_padding(offset, end);
        if (!next) return std::move(next).error();
        if (*next == offset) return broken(offset, "no fatbin container");
        offset = *next;
        continue;
      }
      if (header->magic != kContainerMagic) return broken(offset, "no fatbin container");
      if (header->version != 1)
        return broken(offset, "fatbin version " + std::to_string(header->version));
      if (header->header_size < sizeof(ContainerHeader))
        return broken(offset,
                      "a fatbin header of " + std::to_string(header->header_size) + " bytes");
      const std::uint64_t room = end - offset;
      if (!base::range_inside(header->header_size, header->size, room))
        return broken(offset, "a fatbin container runs out of its section");
      if (++containers_ > kMaxContainers) return limit(offset, "too many fatbin containers");
      const std::uint64_t begin = offset + header->header_size;
      offset = begin + header->size;
      const bool have_first =
          header->header_size == sizeof(ContainerHeader) && header->size >= sizeof(EntryHeader);
      auto done = container(begin, offset, have_first ? &head->first : nullptr);
      if (!done) return std::move(done).error();
    }
    for (const auto& [target, count] : entries_) into_.entries[name_of(target)] += count;
    return containers_;
  }

 private:
  Error broken(std::uint64_t offset, const std::string& what) const {
    return Error{source_.name() + ": fatbin at offset " + std::to_string(offset) + ": " + what};
  }
  Error limit(std::uint64_t offset, const std::string& what) const {
    return limit_error(source_.name(), "fatbin at offset " + std::to_string(offset) + ": " + what);
  }

  // The container's header and the entry behind it in one read: a fifth of all
  // reads of a torch library. What is beyond the section is zero.
  Result<ContainerHead> read_head(std::uint64_t offset, std::uint64_t end) const {
    ContainerHead head{};
    auto bytes = std::as_writable_bytes(std::span(&head, 1));
    auto done =
        source_.read_at(offset, bytes.first(std::min<std::uint64_t>(bytes.size(), end - offset)));
    if (!done) return std::move(done).error();
    return head;
  }

  // `first` is the first entry's header if it has been read already.
  Status container(std::uint64_t offset, std::uint64_t end, const EntryHeader* first) {
    Container found;
    for (std::uint64_t count = 0; offset < end; ++count) {
      if (count >= kMaxEntriesOfOne) return limit(offset, "too many entries in one container");
      if (end - offset < sizeof(EntryHeader))
        return broken(offset, "an entry runs out of its container");
      auto entry =
          first != nullptr ? Result<EntryHeader>(*first) : source_.read_struct<EntryHeader>(offset);
      first = nullptr;
      if (!entry) return std::move(entry).error();
      if (entry->header_size < sizeof(EntryHeader) || entry->header_size > kMaxEntryHeader)
        return broken(offset,
                      "an entry header of " + std::to_string(entry->header_size) + " bytes");
      if (!base::range_inside(entry->header_size, entry->padded_size, end - offset))
        return broken(offset, "an entry runs out of its container");
      const std::uint64_t size =
          entry->uncompressed_size != 0 ? entry->uncompressed_size : entry->padded_size;
      if (entry->kind != kKindCubin || size >= kSmallestKernel) found.may_hold_kernel = true;
      if (entry->kind == kKindPtx || entry->kind == kKindCubin) {
        auto done = count_entry(*entry, offset, found);
        if (!done) return done;
      }
      offset += entry->header_size + entry->padded_size;
    }
    return group(found, end);
  }

  Status count_entry(const EntryHeader& entry, std::uint64_t offset, Container& found) {
    if (entry.arch == 0 || entry.arch > kMaxArch)
      return broken(offset, "an entry for architecture " + std::to_string(entry.arch));
    if ((entry.flags & kArchSpecific) != 0 && (entry.flags & kFamilySpecific) != 0)
      return broken(offset, "an entry both for one architecture and for its family");
    const Target target = target_of(entry);
    ++entries_[target];
    if (++counted_ > kMaxEntries) return limit(offset, "too many fatbin entries");
    found.targets.push_back(target);
    if (entry.kind == kKindPtx) {
      const PtxIsa isa(entry.major, entry.minor);
      found.ptx_isa = std::max(found.ptx_isa.value_or(isa), isa);
    }
    return Done{};
  }

  Status group(Container& found, std::uint64_t offset) {
    if (found.targets.empty() || !found.may_hold_kernel) return Done{};
    std::sort(found.targets.begin(), found.targets.end());
    found.targets.erase(std::unique(found.targets.begin(), found.targets.end()),
                        found.targets.end());
    auto known = std::find_if(groups_.begin(), groups_.end(),
                              [&](const Group& one) { return one.targets == found.targets; });
    if (known == groups_.end()) {
      auto index = group_of(found.targets);
      if (!index) return limit(offset, "too many kinds of containers");
      known = groups_.insert(known, {found.targets, *index});
    }
    FatbinGroup& group = into_.groups[known->index];
    ++group.containers;
    if (found.ptx_isa && (!group.ptx_isa || *found.ptx_isa > parse_isa(*group.ptx_isa)))
      group.ptx_isa = isa_text(*found.ptx_isa);
    return Done{};
  }

  // The group with these targets, which another library may have made; nullopt: no room.
  std::optional<std::size_t> group_of(const std::vector<Target>& targets) const {
    std::vector<std::string> names;
    for (const Target target : targets) names.push_back(name_of(target));
    std::sort(names.begin(), names.end());
    const auto known = std::find_if(into_.groups.begin(), into_.groups.end(),
                                    [&](const FatbinGroup& g) { return g.targets == names; });
    const auto index = static_cast<std::size_t>(known - into_.groups.begin());
    if (known != into_.groups.end()) return index;
    if (index >= kMaxGroups) return std::nullopt;
    into_.groups.push_back({std::move(names), Fact<std::string>::absent("no PTX"), 0});
    return index;
  }

  // Zeros between containers, in steps of 8 bytes: what a linker leaves to align
  // them. None have been seen, so this looks before it reads more than one word.
  Result<std::uint64_t> skip_padding(std::uint64_t offset, std::uint64_t end) const {
    for (const std::uint64_t begin = offset; offset < end; offset += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      auto bytes = std::as_writable_bytes(std::span(&word, 1));
      auto done =
          source_.read_at(offset, bytes.first(std::min<std::uint64_t>(bytes.size(), end - offset)));
      if (!done) return std::move(done).error();
      if (word != 0) return offset;
      if (offset - begin >= kMaxPadding) return broken(begin, "no fatbin container");
    }
    return end;
  }

  const base::ByteSource& source_;
  DeviceCode& into_;
  std::map<Target, std::uint64_t> entries_;
  struct Group {
    std::vector<Target> targets;
    std::size_t index;  // in into_.groups
  };
  std::vector<Group> groups_;  // of this walk
  std::uint64_t containers_ = 0;
  std::uint64_t counted_ = 0;
};

}  // namespace

Result<std::uint64_t> walk_fatbin_section(const base::ByteSource& source, std::uint64_t offset,
                                          std::uint64_t size, DeviceCode& into) {
  return Walker(source, into).section(offset, size);
}

Result<std::uint64_t> read_fatbins(const ElfFile& elf, DeviceCode& into) {
  std::uint64_t containers = 0;
  for (const char* name : {".nv_fatbin", "__nv_relfatbin"}) {
    auto section = elf.section(name);
    if (!section) return std::move(section).error();
    if (!*section) continue;
    fetch_fatbin_headers(elf, **section);
    auto walked = walk_fatbin_section(elf.source(), (*section)->offset, (*section)->size, into);
    if (!walked) return std::move(walked).error().context(name);
    containers += *walked;
  }
  return containers;
}

}  // namespace gpuinit::elf
