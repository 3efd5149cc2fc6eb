#include "image/read_image.h"

#include <iterator>
#include <optional>
#include <utility>

#include "image/frameworks/driver_functions.h"
#include "image/frameworks/program_framework.h"
#include "image/frameworks/read_frameworks.h"
#include "image/read_python_image.h"
#include "image/seal/sealed_image.h"
#include "image/start/kept_words.h"
#include "image/start/start.h"
#include "image/start/start_needs.h"
#include "ldso/library_search.h"

namespace gpuinit::image {

namespace {

// A program that is known and is not Python; one that needs no GPU (a shell) is not looked into.
std::vector<Framework> frameworks_of(const Start& start, const ImageQuery& query) {
  if (!start.program || !start.program->needs_no_gpu.empty() || !start.program->runs.empty() ||
      (start.python && start.python->followed))
    return {};
  return read_program_frameworks(query.fs, start.exec.environment, start.program->path);
}

ImageFacts read(const ImageQuery& query, std::optional<PythonStart>* started) {
  ImageFacts facts;
  facts.root = query.root;
  facts.compat_libraries = read_compat_libraries(query.fs);
  Start start = follow_command({query.fs, query.command, query.environment, query.working_directory,
                                query.fallback_interpreter, query.uid});
  facts.command = kept_words(query.command, start);
  std::vector<Framework> of_program = frameworks_of(start, query);
  facts.start = std::move(start.steps);
  facts.program = std::move(start.program);
  read_user(query, start, facts);
  if (!start.python) {
    const std::string& reason = start.python.error().message;
    facts.interpreter = Fact<Interpreter>::absent(reason);
    facts.torch = Fact<Torch>::unknown(reason);
    facts.cuda_runtime = Fact<CudaRuntime>::unknown(reason);
    facts.loader = Fact<LoaderFacts>::unknown(reason);
    facts.frameworks = std::move(of_program);
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
  if (facts.frameworks)
    std::move(of_program.begin(), of_program.end(), std::back_inserter(facts.frameworks.value()));
  read_toolchain(query.fs, python, facts);
  return facts;
}

}  // namespace

ImageFacts read_image(const ImageQuery& query) { return read(query, nullptr); }

ImageFacts read_image(const ImageQuery& query, std::optional<PythonStart>& python) {
  return read(query, &python);
}

}  // namespace gpuinit::image
