#include "warmup/process_maps.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace gpuinit::warmup {

namespace {

// One line of /proc/PID/maps; begin == end if it is not one.
Mapping parse_mapping(const char* line) {
  Mapping mapping;
  unsigned long long begin = 0;
  unsigned long long end = 0;
  unsigned long long offset = 0;
  char flags[5] = {};
  int path_at = 0;
  if (std::sscanf(line, "%llx-%llx %4s %llx %*s %*u %n", &begin, &end, flags, &offset, &path_at) !=
          4 ||
      path_at == 0)
    return mapping;
  mapping.begin = begin;
  mapping.end = end;
  mapping.offset = offset;
  mapping.writable = flags[1] == 'w';
  mapping.executable = flags[2] == 'x';
  mapping.path = line + path_at;
  while (mapping.path.ends_with('\n')) mapping.path.pop_back();
  return mapping;
}

}  // namespace

std::vector<Mapping> mappings_of(pid_t pid) {
  std::vector<Mapping> mappings;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(
      std::fopen(("/proc/" + std::to_string(pid) + "/maps").c_str(), "re"), std::fclose);
  if (!maps) return mappings;
  char* line = nullptr;
  std::size_t room = 0;
  while (::getline(&line, &room, maps.get()) > 0) {
    Mapping mapping = parse_mapping(line);
    if (mapping.begin < mapping.end) mappings.push_back(std::move(mapping));
  }
  std::free(line);
  return mappings;
}

}  // namespace gpuinit::warmup
