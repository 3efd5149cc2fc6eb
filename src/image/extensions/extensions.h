// Extension modules and libraries beside torch that need it or CUDA, as facts.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/extensions/extension_files.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

struct ExtensionQuery {
  const base::RootFs& fs;
  const ldso::LibrarySearch& libraries;  // in which they will be loaded; keeps them open
  const Interpreter& python;             // its sys_path
  const std::vector<Package>& packages;  // on it
  ExtensionScope scope;                  // of the policy
};

// All that an extension needs by name (DT_NEEDED), in the order of the extensions.
using NeededNames = std::vector<std::vector<std::string>>;

struct FoundExtensions {
  Fact<std::vector<Extension>> facts;
  NeededNames needed;
  std::vector<ContestedFile> contested{};
};

// Those whose NEEDED names torch or a CUDA library, and those that scope.include names;
// without their load problems (extension_loading.h), which read "not looked at". A file that
// is not ELF is passed over unless it was asked for. Unknown if sys.path is.
FoundExtensions read_extensions(const ExtensionQuery& query);

// What its name says; `reason` is why nothing else is known.
Extension unread_extension(const ExtensionFile& file, const std::string& reason);

}  // namespace gpuinit::image
