#include "image/read_image.h"

#include <optional>
#include <utility>

#include "image/frameworks/driver_functions.h"
#include "image/frameworks/read_frameworks.h"
#include "image/read_python_image.h"
#include "image/seal/sealed_image.h"
#include "image/start/start.h"
#include "image/start/start_needs.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

namespace {

ImageFacts read(const ImageQuery& query, std::optional<PythonStart>* started) {
  ImageFacts facts;
  facts.root = query.root;
  facts.command = query.command;
  facts.compat_libraries = read_compat_libraries(query.fs);
  Start start = follow_command({query.fs, query.command, query.environment, query.working_directory,
                                query.fallback_interpreter, query.uid});
  facts.start = std::move(start.steps);
  facts.program = std::move(start.program);
  read_user(query, start, facts);
  if (!start.python) {
    const std::string& reason = start.python.error().message;
    facts.interpreter = Fact<Interpreter>::absent(reason);
    facts.torch = Fact<Torch>::unknown(reason);
    facts.cuda_runtime = Fact<CudaRuntime>::unknown(reason);
    facts.loader = Fact<LoaderFacts>::unknown(reason);
    facts.extensions = Fact<std::vector<Extension>>::unknown(reason);
    facts.packages = Fact<std::vector<Package>>::unknown(reason);
    return facts;
  }
  // As the command gets it: `env LD_LIBRARY_PATH=… python` changes what is found.
  const PythonStart python = start.python->start;
  const ldso::LibrarySearch libraries(query.fs, python.environment);
  if (!take_from_seal(query, libraries, *start.python, facts, started))
    read_python_image(query, libraries, *std::move(start.python), facts, started);
  find_driver_functions(libraries, facts);
  read_toolchain(query.fs, python, facts);
  return facts;
}

}  // namespace

ImageFacts read_image(const ImageQuery& query) { return read(query, nullptr); }

ImageFacts read_image(const ImageQuery& query, std::optional<PythonStart>& python) {
  return read(query, &python);
}

}  // namespace gpuinit::image
