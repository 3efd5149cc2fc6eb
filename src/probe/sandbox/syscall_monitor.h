// Puts a probe's process into its sandbox, and hears what it tries there.
//
//   Box box(sandbox, environment);    // before fork
//   box.open_channel();               // likewise
//   box.enter(…)                      // in the child, last before exec
//   box.started(pid);                 // in the parent
//   poll box.waits_on(); box.serve()  // in the parent, whenever something is there
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "probe/sandbox/probe_filter.h"
#include "probe/sandbox/sandbox.h"

namespace gpuinit::probe {

class Box {
 public:
  // Compiles the filter: some milliseconds. `environment`: of the program.
  Box(const Sandbox& sandbox, const std::vector<std::string>& environment);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  // The host cannot do it and it is required: nothing may be started. Says why.
  const std::string& obstacle() const { return obstacle_; }

  // For the listener. Without two descriptors to spare there is none, and that is reported.
  void open_channel();

  Sandbox::Kind kind() const { return sandbox_.kind; }

  // --- in the child

  // The descriptor that enter() needs and that must stay open until then; -1: none.
  int childs_end() const { return childs_end_.get(); }
  // It has become `fd`.
  void move_childs_end(int fd);
  // True: it is in the box, or best-effort and the report will say what is not held.
  // False: nothing may be run; `refusal` says why.
  bool enter(std::string& refusal);

  // --- in the parent

  void started(pid_t child);
  // What to poll for reading, -1: nothing.
  int waits_on() const { return listener_.valid() ? listener_.get() : parents_end_.get(); }
  // Answers calls that wait, a bounded number of them. Never blocks.
  void serve();
  // What it held, and what was tried. The child must have entered it or ended.
  SandboxReport report() const;

 private:
  using Count = std::map<std::string, std::uint64_t>;

  // What the child tells its parent: memory that both see.
  struct Told {
    bool entered;      // it came that far
    int filter_error;  // errno; 0: the filter is installed
    bool landlock;
    int landlock_error;  // errno where this kernel has it; 0 otherwise
    bool listener;
  };

  bool wanted() const { return sandbox_.level != ProbeSandbox::kOff; }
  bool required() const { return sandbox_.level == ProbeSandbox::kRequired; }
  void hold_files();
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
  std::string filter_trouble_;  // it could not be made
  base::UniqueFd parents_end_;  // of the socket that the listener comes over
  base::UniqueFd childs_end_;
  base::UniqueFd listener_;
  Told* told_ = nullptr;
  Count refused_;
  Count unexpected_;
};

}  // namespace gpuinit::probe
