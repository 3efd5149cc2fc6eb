// The files among which a command is looked for: those that this process sees, or another root's.
#pragma once

#include <optional>
#include <string>

#include "base/root_fs.h"

namespace gpuinit::launch {

class CommandFiles {
 public:
  // As this process sees them: from its working directory, with its permissions.
  CommandFiles() = default;
  // Whose process it will be there is not known: a file that anybody may execute will do. `root`
  // must outlive it.
  CommandFiles(const base::RootFs& root, std::string working_directory)
      : root_(&root), directory_(std::move(working_directory)) {}

  // nullopt if nothing can be seen there.
  std::optional<base::FileInfo> look_at(const std::string& path) const;
  // What storage does not let be looked at is not missing.
  bool exists(const std::string& path) const;
  // "leads into /root, which uid 1000 may not enter (mode 0700, owner 0)", of what cannot be seen.
  std::string why_closed(const std::string& path) const;
  bool are_own() const { return root_ == nullptr; }

  // 0 if it is a file that may be executed, whatever is in it; else an errno, EISDIR for a
  // directory.
  int executable_error(const std::string& path) const;

  // The first bytes of a file, more than the kernel looks at; nullopt if it cannot be read. Never
  // blocks.
  std::optional<std::string> head(const std::string& path) const;

 private:
  // `info` is what is there if the answer, an errno, is 0.
  int stat(const std::string& path, base::FileInfo& info) const;

  const base::RootFs* root_ = nullptr;
  std::string directory_;
};

}  // namespace gpuinit::launch
