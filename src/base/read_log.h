// What was looked at below a root: everything that an answer read from there rests on.
#pragma once

#include <map>
#include <set>
#include <string>

namespace gpuinit::base {

struct ReadLog {
  std::set<std::string> paths;   // that were opened, looked up or resolved, there or not
  std::set<std::string> listed;  // directories of which all names were asked for
  // Names that ld.so.cache was asked for, and the path that it gave; empty: it has none.
  std::map<std::string, std::string> library_cache;
  bool home = false;  // the user's home directory mattered
};

}  // namespace gpuinit::base
