#include "image/read_image.h"

#include "binary/library_search.h"
#include "image/command_line.h"
#include "image/read_interpreter.h"

namespace gpuinit::image {

ImageFacts read_image(const ImageQuery& query) {
  ImageFacts facts;
  facts.root = query.root;
  facts.command = query.command;
  const binary::LibrarySearch libraries(query.fs, query.environment);
  auto command = follow_command({query.fs, libraries, query.command, query.environment,
                                 query.working_directory, query.fallback_interpreter});
  if (!command) {
    facts.interpreter = Fact<Interpreter>::absent(command.error().message);
    return facts;
  }
  ReadInterpreter python = read_interpreter(query.fs, *command, libraries);
  facts.interpreter = python.facts;
  return facts;
}

}  // namespace gpuinit::image
