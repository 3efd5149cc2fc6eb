#include "cli/terminate_handler.h"

#include <unistd.h>

#include <exception>

#include "gpuinit/exit_codes.h"

namespace __gnu_cxx {
// Takes the place of libstdc++'s own, which brings the symbol demangler with it.
void __verbose_terminate_handler() {  // NOLINT(bugprone-reserved-identifier)
  static constexpr char kWords[] =
      "gpuinit: stopped: out of memory (or an error of gpuinit's own)\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kWords, sizeof kWords - 1);
  ::_exit(gpuinit::kExitInternal);
}
}  // namespace __gnu_cxx

namespace gpuinit::cli {

void install_terminate_handler() { std::set_terminate(__gnu_cxx::__verbose_terminate_handler); }

}  // namespace gpuinit::cli
