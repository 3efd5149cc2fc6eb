// A shell script of any bytes, with files to read: the outcome, or an error that can be printed.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/require.h"
#include "image/start/shell/follow_shell.h"
#include "support/tree.h"

namespace {

// Once, and not removed: libFuzzer leaves by _Exit.
const gpuinit::base::RootFs& image() {
  static const auto* fs = [] {
    static gpuinit::test::Tree tree;
    tree.executable("bin/bash").executable("bin/dash").executable("bin/python").directory("work");
    tree.file("work/a.sh", "export A=1\n[ -n \"$B\" ] && return 1\nset -- x\n");
    tree.file("work/b.sh", ". ./a.sh\nf() { exec python \"$@\"; }\n");
    return new gpuinit::Result<gpuinit::base::RootFs>(gpuinit::base::RootFs::open(tree.root()));
  }();
  return fs->value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gpuinit::fuzz::require;
  if (size == 0) return 0;
  const bool bash = (data[0] & 1U) == 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  gpuinit::image::Exec exec;
  exec.argv = {bash ? "bash" : "dash", "-c", text, "name", "one", "two words"};
  exec.environment = {{"PATH", "/bin"}, {"HOME", "/srv"}};
  exec.working_directory = "/srv";
  exec.uid = 0;
  const auto outcome =
      gpuinit::image::follow_shell(image(), bash ? "/bin/bash" : "/bin/dash", exec);
  if (!outcome) {
    gpuinit::fuzz::require_printable(outcome.error().message);
    return 0;
  }
  if (outcome->kind != gpuinit::image::ShellOutcome::Kind::kRuns) return 0;
  require(!outcome->exec.argv.empty(), "a program without a name");
  require(outcome->exec.working_directory.starts_with("/"), "a directory that is not absolute");
  for (const auto& name : outcome->exec.unknown_variables) {
    require(outcome->exec.environment.count(name) == 0, "a variable is known and unknown");
    require(!gpuinit::image::steers_a_start(name), "what steers a start is unknown");
  }
  return 0;
}
