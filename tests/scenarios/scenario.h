// One real failure as data: the world in which it happens, and what gpuinit has to say.
//
//   number, title       its row in docs/failures.md, and in a few words
//   today, sources      what users see without gpuinit, and in which public reports
//   cause               one sentence
//   seen_by             "files" (the image alone), "node" (files of the node or its environment
//                       too), "driver" (a child process asks the driver) or "nobody"
//   not_before_start, reason   true: gpuinit cannot know it before the command runs
//   [base]              changes of the healthy image and node that are no fault
//   [fault]             what goes wrong, on top of it
//   [expect]            fail, warn (ids), exit_code, class, says
//
// [base] and [fault] have: image (image_tree.h), node (as in a --node file, but device_nodes is a
// table path → errno), environment, command, policy (lines of a policy file), and driver: a script
// for tests/support/fake_libcuda. Where there is a script, the real probe asks that driver, and its
// answer takes the place of the node's devices, probe and driver.cuda_version.
//
// The healthy image and node are templates/image-*.toml and templates/node-*.toml; `remove` takes
// things away from them (data.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace gpuinit::test {

// Everything that decides what gpuinit says.
struct World {
  base::Json image;
  base::Json node;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> command;
  std::vector<std::string> policy;
  std::string driver;  // empty: nobody asks
};

struct Scenario {
  std::string file_name;  // "17-nvjitlink-shadowed"
  int number = 0;
  std::string title;
  std::vector<std::string> today;
  std::vector<std::string> sources;
  std::string cause;
  std::string seen_by;
  bool not_before_start = false;
  std::string reason;

  World healthy;
  World faulty;

  std::vector<std::string> fail;
  std::vector<std::string> warn;
  int exit_code = 0;
  std::string exit_class;
  std::string says;
};

// In the order of their names. Throws on a file that is not as described above.
std::vector<std::filesystem::path> scenario_files();
Scenario read_scenario(const std::filesystem::path& file);

}  // namespace gpuinit::test
