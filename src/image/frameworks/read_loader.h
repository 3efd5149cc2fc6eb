// What the loader does for the interpreter and `import torch`, as facts.
#pragma once

#include <string>
#include <vector>

#include "base/root_fs.h"
#include "gpuinit/facts.h"
#include "image/frameworks/torch_load.h"
#include "ldso/symbol_check.h"
#include "ldso/version_check.h"

namespace gpuinit::image {

struct LoaderQuery {
  const base::RootFs& fs;
  const TorchLoad& load;               // with a closure, in which more may have been opened since
  const ldso::VersionCheck& versions;  // of that closure
  ldso::SymbolCheck& symbols;          // of that closure
  const std::vector<std::string>& sys_path;
  const std::string& prefix;  // sys.prefix; empty if it is not known
};

LoaderFacts read_loader(const LoaderQuery& query);

}  // namespace gpuinit::image
