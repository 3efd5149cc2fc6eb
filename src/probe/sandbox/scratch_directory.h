// A temporary directory for one probe: importing a package may want to make files, and
// must not make them anywhere else.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace gpuinit::probe {

class ScratchDirectory {
 public:
  ScratchDirectory() = default;
  ~ScratchDirectory() { remove(); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  // In the first place where it can be made, as Python looks for one: $TMPDIR, $TEMP and
  // $TMP of this environment, then the usual places. Puts it into `environment` as TMPDIR.
  // False if it cannot be made anywhere.
  //
  // A home directory that the command may write is a new one in it, through which all of the
  // real one is seen: what an import makes in ~/.cache, or beside it, is made there. The
  // user's site-packages keep their place.
  bool make(std::vector<std::string>& environment);

  // The leader of the process group that writes there. A signal that ends gpuinit at once
  // (base/sudden_end.h) ends it first, and then removes the directory. There is only one at a time.
  void used_by(pid_t leader) const;

  // Empty if none was made.
  const std::string& path() const { return path_; }

  // With all that is in it, symlinks not followed. A tree that is too deep or has too many
  // files to be anything but malice is left where it is.
  void remove();

 private:
  void move_home(std::vector<std::string>& environment) const;

  std::string path_;
};

// The value of "NAME=value" in `environment`. Empty if it is not set.
std::string value_of(const std::vector<std::string>& environment, const std::string& name);

}  // namespace gpuinit::probe
