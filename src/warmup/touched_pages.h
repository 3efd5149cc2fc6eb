// Which pages of files a process has touched, as the kernel's page tables say.
//
// A page that is mapped counts as touched: the kernel maps up to 16 pages around a fault
// if they are in the page cache (fault-around), so this errs by some tens of kilobytes
// on the side of too much. Sources: proc(5), Documentation/admin-guide/mm/pagemap.rst.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "warmup/page_plan.h"

namespace gpuinit::warmup {

// Gathers what one or several processes touch. Everything about a process that cannot be
// read (it is gone, /proc is missing, access is refused) is left out.
class TouchedPages {
 public:
  // Adds the mapped files of a process; only of addresses in [from, to) if those are given.
  void add_mappings(pid_t pid, std::uint64_t from = 0, std::uint64_t to = ~std::uint64_t{0});

  // Adds what was read from an open file: up to its position, or all of it if it is small.
  void add_open_file(pid_t pid, int fd);
  void add_open_files(pid_t pid);

  // The plan, in the order in which the files came up; only regular files of file systems
  // on which reading ahead means something (no /proc, /sys, /dev).
  PagePlan plan() const;

 private:
  FilePart* file(const std::string& path);

  PagePlan parts_;
  std::map<std::string, std::size_t> index_;  // path → in parts_
};

}  // namespace gpuinit::warmup
