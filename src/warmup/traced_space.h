// The address space of traced processes, whose code is withheld until it runs. What is done to it
// is done by one of its tasks, which must be stopped: at the end of a system call, or by a signal.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "warmup/touched_pages.h"
#include "warmup/withheld_code.h"

namespace gpuinit::warmup {

struct TracedCall {
  using Arguments = std::array<std::uint64_t, 6>;
  long number = -1;
  Arguments arguments{};
};

// nullopt if nothing is mapped there.
std::optional<std::uint64_t> traced_word(pid_t pid, std::uint64_t address);

// Threads share one, and a child of vfork until it executes; a child of fork has a copy.
class TracedSpace {
 public:
  // Ends of tasks that are met meanwhile, as waitpid(2) reported them, are added to `met`.
  using Statuses = std::vector<std::pair<pid_t, int>>;
  explicit TracedSpace(Statuses& met) : met_(&met) {}

  // A call has returned `result`, without an error: code that it mapped is withheld, after exec
  // the program's. Before the first exec, nothing is withheld.
  void called(pid_t pid, const TracedCall& call, std::uint64_t result, TouchedPages& touched);

  // A fault; true if it was the fetch of withheld code, which now is executable. Another thread
  // may have faulted there as well: then it is so already.
  bool give(pid_t pid, TouchedPages& touched);

  // From here on nothing is withheld.
  void give_all(pid_t pid);

  bool withholds() const { return call_instruction_ != 0; }
  const WithheldCode& code() const { return code_; }

 private:
  void mapped(pid_t pid, const TracedCall::Arguments& arguments, std::uint64_t begin,
              TouchedPages& touched);
  void withhold_program(pid_t pid, TouchedPages& touched);
  void withhold(pid_t pid, WithheldRange range);

  // mprotect(2), made by the task itself. False if it failed, or the task is gone.
  bool protect(pid_t pid, std::uint64_t begin, std::uint64_t end, int protection);

  Statuses* met_;
  WithheldCode code_;
  std::uint64_t call_instruction_ = 0;  // in the vDSO; 0: code is not withheld
  std::size_t granules_ = 0;
};

}  // namespace gpuinit::warmup
