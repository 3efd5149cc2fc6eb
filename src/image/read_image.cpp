#include "image/read_image.h"

#include "binary/library_search.h"
#include "image/command_line.h"
#include "image/read_interpreter.h"
#include "image/read_torch.h"

namespace gpuinit::image {

ImageFacts read_image(const ImageQuery& query) {
  ImageFacts facts;
  facts.root = query.root;
  facts.command = query.command;
  const binary::LibrarySearch libraries(query.fs, query.environment);
  auto command = follow_command({query.fs, libraries, query.command, query.environment,
                                 query.working_directory, query.fallback_interpreter});
  if (!command) {
    const std::string& reason = command.error().message;
    facts.interpreter = Fact<Interpreter>::absent(reason);
    facts.torch = Fact<Torch>::unknown(reason);
    facts.cuda_runtime = Fact<CudaRuntime>::unknown(reason);
    return facts;
  }
  // `env LD_LIBRARY_PATH=… python` changes where the rest is found.
  const binary::LibrarySearch of_command(query.fs, command->environment);
  ReadInterpreter python = read_interpreter(query.fs, *command, of_command);
  ReadTorch torch = read_torch({query.fs, of_command, python, command->environment});
  facts.interpreter = std::move(python.facts);
  facts.torch = std::move(torch.torch);
  facts.cuda_runtime = std::move(torch.cuda_runtime);
  return facts;
}

}  // namespace gpuinit::image
