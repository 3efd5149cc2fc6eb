#include "image/read_image.h"

#include "binary/library_search.h"
#include "image/command_line.h"
#include "image/compat_libraries.h"
#include "image/read_interpreter.h"
#include "image/read_torch.h"

namespace gpuinit::image {

ImageFacts read_image(const ImageQuery& query) {
  ImageFacts facts;
  facts.root = query.root;
  facts.command = query.command;
  facts.compat_libraries = read_compat_libraries(query.fs);
  auto command = follow_command({query.fs, query.command, query.environment,
                                 query.working_directory, query.fallback_interpreter});
  if (!command) {
    const std::string& reason = command.error().message;
    facts.interpreter = Fact<Interpreter>::absent(reason);
    facts.torch = Fact<Torch>::unknown(reason);
    facts.cuda_runtime = Fact<CudaRuntime>::unknown(reason);
    facts.loader = Fact<LoaderFacts>::unknown(reason);
    return facts;
  }
  // As the command gets it: `env LD_LIBRARY_PATH=… python` changes what is found.
  const Environment environment = command->environment;
  const binary::LibrarySearch libraries(query.fs, environment);
  ReadInterpreter python = read_interpreter(query.fs, std::move(*command));
  ReadTorch torch = read_torch({query.fs, libraries, python, environment});
  facts.interpreter = std::move(python.facts);
  facts.torch = std::move(torch.torch);
  facts.cuda_runtime = std::move(torch.cuda_runtime);
  facts.loader = std::move(torch.loader);
  return facts;
}

}  // namespace gpuinit::image
