// Puts a probe's process into its sandbox, and hears what it tries there.
//
//   SyscallMonitor monitor(sandbox, environment);  // before fork
//   monitor.open_channel();                        // likewise
//   monitor.enter_sandbox()                        // in the child, last before exec
//   monitor.started(pid);                          // in the parent
//   poll monitor.waits_on(); monitor.serve()       // in the parent, when something is there
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "gpuinit/probe_run.h"
#include "probe/sandbox/probe_filter.h"
#include "probe/sandbox/sandbox.h"

namespace gpuinit::probe {

class SyscallMonitor {
 public:
  // Compiles the filter: some milliseconds. `environment`: of the program.
  SyscallMonitor(const Sandbox& sandbox, const std::vector<std::string>& environment);
  ~SyscallMonitor();
  SyscallMonitor(const SyscallMonitor&) = delete;
  SyscallMonitor& operator=(const SyscallMonitor&) = delete;

  // Why nothing may be started: the sandbox is required, and this host cannot do it. Else empty.
  const std::string& obstacle() const { return obstacle_; }

  // For the listener. Without two descriptors to spare there is no listener, which is reported.
  void open_channel();

  Sandbox::Kind kind() const { return sandbox_.kind; }

  // --- in the child

  // The descriptor that enter_sandbox() needs and that must stay open until then; -1 if it needs
  // none.
  int childs_end() const { return childs_end_.get(); }
  // It has become `fd`.
  void move_childs_end(int fd);
  // Why nothing may be run. Empty if the process is in its sandbox, or in as much of it as
  // the host allows and that is enough (best-effort).
  std::string enter_sandbox();

  // --- in the parent

  void started(pid_t child);
  // What to poll for reading; -1: nothing.
  int waits_on() const { return listener_.valid() ? listener_.get() : parents_end_.get(); }
  // Answers calls that wait, a bounded number of them. Never blocks.
  void serve();
  // Writes into `run` what the sandbox held, and what was tried in it. The child must have
  // entered it or ended.
  void describe(ProbeRun& run) const;

 private:
  using Count = std::map<std::string, std::uint64_t>;

  // What the child reports to its parent: memory that both see.
  struct ChildReport {
    bool entered;      // it came that far
    int filter_error;  // errno; 0: the filter is installed
    bool landlock;
    int landlock_error;  // errno where this kernel has it; 0 otherwise
    bool listener;
  };

  bool wanted() const { return sandbox_.level != ProbeSandbox::kOff; }
  bool required() const { return sandbox_.level == ProbeSandbox::kRequired; }
  void restrict_files();
  int install();
  void receive_listener();
  void make_filter_without_landlock();
  bool answer_one();
  std::string why_no_filter() const;

  Sandbox sandbox_;
  std::vector<std::string> environment_;
  std::string obstacle_;
  int landlock_version_ = 0;
  pid_t child_ = -1;
  ProbeFilter filter_;
  std::string filter_trouble_;  // why it could not be made
  base::UniqueFd parents_end_;  // of the socket that the listener comes over
  base::UniqueFd childs_end_;
  base::UniqueFd listener_;
  ChildReport* report_ = nullptr;
  Count refused_;
  Count unexpected_;
};

}  // namespace gpuinit::probe
