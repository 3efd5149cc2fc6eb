// How the user's command ended.
#pragma once

namespace gpuinit::launch {

struct CommandEnd {
  bool known = false;  // false: somebody else took its status
  int status = 0;      // as given to exit; 0 if a signal ended it
  int signal = 0;      // 0: it exited by itself
  bool core_dumped = false;
};

}  // namespace gpuinit::launch
