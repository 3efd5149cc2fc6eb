// Which parts of which files processes have touched, in the order in which that was seen.
//
// What is mapped is asked of the page tables: a page that is mapped counts as touched. The
// kernel maps up to 16 pages around a fault if they are in the page cache (fault-around), so
// this errs by some tens of kilobytes on the side of too much. Sources: proc(5),
// Documentation/admin-guide/mm/pagemap.rst.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "warmup/page_plan.h"
#include "warmup/withheld_code.h"

namespace gpuinit::warmup {

// Gathers what one or several processes touch. Everything about a process that cannot be
// read (it is gone, /proc is missing, access is refused) is left out.
class TouchedPages {
 public:
  // Adds the mapped files of a process; only of addresses in [from, to) if those are given.
  // They count as touched when the file was mapped first, as far as that is known. Of
  // `withheld` code only what was read as data is added: what ran is known better (touched()).
  void add_mappings(pid_t pid, std::uint64_t from = 0, std::uint64_t to = ~std::uint64_t{0},
                    const WithheldCode* withheld = nullptr);

  // The file was mapped now.
  void mapped(const std::string& path);

  // These bytes of it were touched now.
  void touched(const std::string& path, Range range);

  // Adds what was read from an open file: up to its position, or all of it if it is small. A
  // directory is listed; of a compiled Python module the source is looked up, as Python does.
  void add_open_file(pid_t pid, int fd);
  void add_open_files(pid_t pid);

  // Adds a piece that is read from an open file with pread(2).
  void add_read(pid_t pid, int fd, std::uint64_t offset, std::uint64_t length);

  // The plan, in order of need; only files of file systems on which reading ahead means
  // something (no /proc, /sys, /dev).
  PagePlan plan() const;

 private:
  using Index = std::optional<std::uint32_t>;
  Index file(const std::string& path, bool only_name = false);
  Index open_file(pid_t pid, int fd);

  PagePlan touched_;  // a piece without bytes of a file of Kind::kParts stands for mapped_
  std::vector<std::vector<Range>> mapped_;      // by file: what page tables say
  std::vector<bool> is_mapped_;                 // by file: it has such a piece
  std::map<std::string, std::uint32_t> index_;  // path → in touched_.files
};

}  // namespace gpuinit::warmup
