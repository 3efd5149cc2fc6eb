#include "warmup/process_maps.h"

#include <string_view>

#include "base/root_fs.h"
#include "base/text.h"

namespace gpuinit::warmup {

namespace {

// Of a process with 65,530 mappings, the kernel's limit, with long paths.
constexpr std::uint64_t kMaxMaps = 32ULL * 1024 * 1024;

// "begin-end permissions offset device inode   path"; begin == end if it is not one.
Mapping parse_mapping(std::string_view line) {
  Mapping mapping;
  const auto fields = base::split(line, ' ');
  if (fields.size() < 6 || fields[1].size() < 4) return mapping;
  const auto ends = base::split(fields[0], '-');
  const auto begin = base::parse_number(ends.front(), 16);
  const auto end = base::parse_number(ends.back(), 16);
  const auto offset = base::parse_number(fields[2], 16);
  if (!begin || !end || !offset) return mapping;
  mapping.begin = *begin;
  mapping.end = *end;
  mapping.offset = *offset;
  mapping.writable = fields[1][1] == 'w';
  mapping.executable = fields[1][2] == 'x';
  if (const auto path = line.find_first_of("/["); path != line.npos)
    mapping.path = line.substr(path);
  return mapping;
}

}  // namespace

std::vector<Mapping> mappings_of(pid_t pid) {
  std::vector<Mapping> mappings;
  const auto maps = base::read_own_file("/proc/" + std::to_string(pid) + "/maps", kMaxMaps);
  if (!maps) return mappings;
  for (const auto line : base::split_lines(*maps)) {
    Mapping mapping = parse_mapping(line);
    if (mapping.begin < mapping.end) mappings.push_back(std::move(mapping));
  }
  return mappings;
}

}  // namespace gpuinit::warmup
