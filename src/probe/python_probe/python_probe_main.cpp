// A CPython that is embedded and answers for the user's interpreter: the libpython of that
// interpreter's own prefix, with the configuration that its own command line gives.
//
//   python-probe-cpython-3XX INTERPRETER [options of Python] -c SCRIPT …
//
// gpuinit starts it with LD_PRELOAD=<that libpython>, so that exactly that file satisfies
// the NEEDED libpython3.XX.so.1.0, and passes the script (probe.py): one text for every
// release and for the interpreter itself, where no program fits. pybind11 is included here
// alone.
//
// This program has its C++ library inside and exports nothing of it: torch must find the
// image's libstdc++ as it would without us. For the same reason pybind11's state has a name
// of its own (PYBIND11_COMPILER_TYPE): modules built with pybind11 would otherwise share
// theirs with ours, across two C++ libraries.
#define PYBIND11_COMPILER_TYPE "_gpuinit_probe"
#include <pybind11/embed.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace py = pybind11;

namespace {

constexpr int kPipe = 3;
constexpr int kCannot = 1;

// In the form of probe.py's lines.
void say_step(const char* step) {
  char line[120];
  const int size = std::snprintf(line, sizeof line, "{\"step\": \"%s\"}\n", step);
  if (::write(kPipe, line, static_cast<std::size_t>(size)) < 0) ::_exit(kCannot);
}

// The text after "-c". Null if there is no "-c".
const char* script_of(char** words) {
  for (; *words != nullptr; ++words)
    if (std::string_view(*words) == "-c") return words[1];
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const char* script = argc > 1 ? script_of(argv + 2) : nullptr;
  if (script == nullptr) return 64;
  // It has done its work, and is not part of the command's environment.
  ::unsetenv("LD_PRELOAD");
  say_step("Py_InitializeFromConfig");
  try {
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    // From here on as Py_BytesMain: argv[0] is the interpreter as the command names it,
    // and its options are parsed. Never destroyed: probe.py ends the process.
    auto* interpreter = new py::scoped_interpreter(&config, argc - 1, argv + 1, false);
    static_cast<void>(interpreter);
    py::dict globals = py::module_::import("__main__").attr("__dict__");
    globals["embedded"] = py::bool_(true);
    py::exec(script, globals);
  } catch (...) {
    say_step("an exception in the probe itself");
  }
  ::_exit(kCannot);
}
