// What the image brought: interpreter, torch, CUDA libraries, extensions. The rules of
// facts.h hold.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/compat_note.h"
#include "gpuinit/device_code.h"
#include "gpuinit/fact.h"
#include "gpuinit/load_problems.h"
#include "gpuinit/python_answer.h"
#include "gpuinit/unread.h"

namespace gpuinit {

// One step on the way from the command's first word to the program that runs.
struct StartStep {
  std::string what;  // "tini", "bash -c", "source /opt/venv/bin/activate", "exec"
  std::string why;   // one clause: "`tini` found on PATH"; may be empty
  std::string file;  // where it is written, "/entry.sh:12"; empty: in the command itself
  bool operator==(const StartStep&) const = default;
};

// What the command runs in the end.
struct Program {
  std::string path;  // of the file that is executed last: an interpreter or another ELF program
  // What a Python runs: "train.py", "-m vllm.serve"; empty: not a Python, or it runs nothing.
  std::string runs;
  std::vector<std::string> imports;  // packages whose program it is: "vllm" of `vllm serve`
  // Why no fault of torch, driver or device may stop it: "`pip` needs no GPU"; empty: it may need
  // one.
  std::string needs_no_gpu;
  // Top-level names that the user's own script imports at the start of its lines.
  std::vector<std::string> script_imports = {};
  bool operator==(const Program&) const = default;
};

// The Python that the command will run in.
struct Interpreter {
  std::string path;       // as the command will exec it, e.g. /opt/venv/bin/python
  std::string real_path;  // the same with every symlink resolved inside the root
  // One clause: "`python` found on PATH", "shebang of /opt/venv/bin/torchrun".
  std::string chosen_because;
  bool from_command = false;  // false: the command could not be followed, this is the fallback
  Fact<std::string> version;  // "3.12.4", or "3.12" when the micro version is not in the files
  Fact<std::string> soabi;  // "cpython-312-x86_64-linux-gnu", "cpython-313t-…", "cpython-311d-…"
  Fact<std::string> soabi_source;           // which file said so
  Fact<std::string> machine;                // ELF machine: "x86_64", "aarch64"
  Fact<std::string> libc;                   // "glibc", "musl", "static"
  Fact<std::string> libpython;              // SONAME it needs; absent: linked in statically
  Fact<std::string> environment;            // "system", "venv", "conda", "pyenv"
  Fact<std::string> prefix;                 // sys.prefix
  Fact<std::string> base_prefix;            // sys.base_prefix
  Fact<std::vector<std::string>> sys_path;  // in order, existing directories and zips only
  std::vector<std::string> sys_path_notes;  // what else may add to sys.path: `import` lines in .pth
  bool operator==(const Interpreter&) const = default;
};

struct Torch {
  std::string path;            // the package directory, or the torch.py that would be imported
  std::string sys_path_entry;  // the sys.path entry it was found on
  std::vector<std::string> shadowed;   // torch packages later on sys.path, which this one hides
  Fact<std::string> layout;            // "wheel", "conda", "debian", "ngc", "source"
  Fact<std::string> version;           // torch/version.py, "2.8.0+cu128"
  Fact<std::string> metadata_version;  // dist-info or egg-info; absent: no metadata
  Fact<std::string> cuda;              // torch/version.py `cuda`, "12.8"; absent: not a CUDA build
  Fact<std::string> hip;               // torch/version.py `hip`; absent: not a ROCm build
  Fact<std::string> soabi;  // of `torch/_C.<soabi>.so` (the interpreter's own if it is among
                            // several); absent: no such file
  std::vector<std::string> soabis;  // of every `torch/_C.*.so`
  Fact<std::string> machine;        // ELF machine of `_C`
  Fact<bool> exports_init;          // `_C` exports PyInit__C
  // Py* that torch needs and this interpreter does not export.
  Fact<std::vector<std::string>> missing_python_symbols;
  Fact<std::vector<std::string>> wheel_tags;  // dist-info/WHEEL `Tag:`; absent: not a wheel
  Fact<bool> cxx11_abi;                       // _GLIBCXX_USE_CXX11_ABI of libc10
  // "1" or "2": the NumPy that libtorch_python was compiled for; absent: without NumPy.
  Fact<std::string> numpy_abi;
  Fact<std::vector<std::string>> missing_files;  // files of torch that must be there and are not
  // torch.cuda.get_arch_list(), from libtorch_python; absent: CPU build.
  Fact<std::vector<std::string>> arch_list;
  Fact<DeviceCode> device_code;  // absent: no libtorch_cuda
  bool operator==(const Torch&) const = default;
};

// The libcudart that torch will get.
struct CudaRuntime {
  std::string soname;  // what torch asks for: "libcudart.so.12"
  std::string path;    // as the loader or torch's own preload finds it
  // "RPATH of …", "LD_LIBRARY_PATH", "ld.so.cache", "torch preload from sys.path".
  std::string found_by;
  Fact<std::string> version;         // "12.8.90", or "12.8"
  Fact<std::string> version_source;  // which file said so
  bool operator==(const CudaRuntime&) const = default;
};

// A forward-compatibility libcuda in a CUDA installation of the image, in use or not.
struct CompatLibrary {
  std::string directory;      // to put into LD_LIBRARY_PATH: "/usr/local/cuda-12.8/compat"
  std::string real_path;      // of the libcuda.so.1 in it
  Fact<std::string> version;  // driver release it belongs to, "570.86.10"
  Fact<CompatNote> note;      // absent: the library carries none
  bool operator==(const CompatLibrary&) const = default;
};

// --- What the loader does --------------------------------------------------

// A library that the loader maps for the interpreter or for `import torch`.
struct LoadedLibrary {
  std::string name;       // as it was asked for first: "libcudnn.so.9"
  std::string path;       // as the loader opens it
  std::string needed_by;  // path of who asked first
  std::string found_by;   // the rule: "RPATH of /a/b.so", "LD_LIBRARY_PATH", "ld.so.cache", …
  // Further files that would have answered, in search order. Looked for where it matters: for
  // CUDA's libraries, the C++ run time, and what LD_LIBRARY_PATH or LD_PRELOAD decided.
  std::vector<std::string> hides;
  // Of CUDA's libraries, what follows ".so." in the name of the real file: "9", "9.10.2".
  std::string version{};
  bool operator==(const LoadedLibrary&) const = default;
};

// glibc's ld.so, simulated for the interpreter and `import torch`.
struct LoaderFacts {
  // In the order of loading. Last, the parts of cuDNN that libcudnn will open by name where they
  // lie in another directory than it does.
  std::vector<LoadedLibrary> libraries;
  LoadProblems problems;
  // Parts of cuDNN that libcudnn will open by name, after the import, and not find; and the
  // builtins of libnvrtc. Source: cuDNN, "API Overview" (sub-libraries); a process that has opened
  // them (/proc/self/maps), and NVRTC's error without (numba-cuda#196).
  std::vector<MissingLibrary> missing_later;
  std::vector<std::string> notes;  // what the loader only warns of: an LD_PRELOAD that is not there
  bool operator==(const LoaderFacts&) const = default;
};

// --- What stands beside torch ----------------------------------------------

// Another framework than torch: a package of Python's or the command's own program, with the code
// for GPUs that it carries or opens by name.
struct Framework {
  std::string name;           // "jax", "onnxruntime", "llama.cpp"; otherwise the program's own
  std::string path;           // the library that has its code for GPUs, or the program
  Fact<std::string> version;  // of its distribution; unknown: nothing beside it says
  // The CUDA that it was built for, often the major version alone: "12". Absent: it is not built
  // for CUDA.
  Fact<std::string> cuda;
  Fact<DeviceCode> device_code;  // absent: it carries none
  // Of `path`: what it needs, and what it opens by name and cannot do without.
  LoadProblems problems;
  std::vector<LoadedLibrary> libraries;  // CUDA's, those that are opened by name among them
  bool runs = false;        // the command is its program, or a program that opens it for every GPU
  bool for_gpu = false;     // installed for GPUs; false: one build serves the CPU as well
  bool falls_back = false;  // goes on with the CPU by itself where there is no driver for it
  bool operator==(const Framework&) const = default;
};

// An extension module or library on sys.path that needs torch or CUDA, or that the
// policy names in extensions.include.
struct Extension {
  std::string path;
  std::string package;        // the first directory below the sys.path entry: "torchvision"
  std::string distribution;   // whose RECORD names it, normalised: "torchvision"; empty: none does
  bool asked_for = false;     // extensions.include names it: the command needs it
  Fact<std::string> soabi;    // ABI tag in its file name; absent: none ("_C.so", "_C.abi3.so")
  Fact<std::string> machine;  // ELF machine
  Fact<std::string> init_function;  // "PyInit__C", or "init_C" of Python 2; absent: a library
  std::vector<std::string> needs;  // its NEEDED of torch and CUDA: "libtorch.so", "libcudart.so.12"
  Fact<bool> cxx11_abi;  // of the c10, at and torch symbols it asks for; absent: none has a string
  Fact<std::string> numpy_abi;   // "1" or "2": the NumPy it was compiled for; absent: it does not
                                 // use NumPy's C API
  LoadProblems problems;         // when it is loaded after `import torch`
  Fact<DeviceCode> device_code;  // absent: it carries none
  // In its directory lies a module that needs neither torch nor CUDA (open3d/pybind beside
  // open3d_torch_ops): of a library without init function, that the package works without it.
  bool beside_independent = false;
  bool operator==(const Extension&) const = default;
};

// An installed distribution, from its .dist-info or .egg-info.
struct Package {
  std::string name;  // normalised: "nvidia-cublas-cu12" (PEP 503)
  // As its metadata has it; torchaudio's with the build that its version.py adds: "2.11.0+cu130".
  std::string version;
  std::string path;                        // of the .dist-info directory
  std::vector<std::string> requires_dist;  // Requires-Dist as written, those that name torch,
                                           // NumPy, triton, nvidia-* or cuda-*; all of torch's
  // Shared libraries that the RECORD of another distribution names too, with another hash; and
  // those of them that have not the size that this one's RECORD says: they are not its own now.
  // Source: PyPA, "Recording installed projects".
  std::vector<std::string> contested{};
  std::vector<std::string> overwritten{};
  bool operator==(const Package&) const = default;
};

// The image's seal (seal.h), compared with the image as it is.
struct SealState {
  std::string path;
  std::vector<std::string> changes;  // what is not as it was sealed, at most ten; empty: nothing
  // Why the facts were read anew all the same: the seal is of another start. Empty: they are the
  // seal's, or there are changes.
  std::string unused_because;
  bool operator==(const SealState&) const = default;
};

struct ImageFacts {
  std::string root;                  // as given with --root, "/" otherwise
  std::vector<Unread> unread;        // the first that could not be read, by an error or own limit
  std::vector<std::string> refused;  // the first paths that this user may not read or enter
  // Without what may be a secret: values and words that the start does not need are "…".
  std::vector<std::string> command;
  std::vector<StartStep> start;  // what the command goes through, in order
  // Unknown: the reason says past which step the command was not followed; absent: there is no
  // command, or it leads to a Python that is not there.
  Fact<Program> program;
  // Whose process the command becomes. Unknown: it is not known.
  Fact<std::uint64_t> uid;
  // As getpwuid(3) finds it. Absent: no line of /etc/passwd has the uid; unknown: a service that
  // nsswitch.conf names, or a preloaded library, may know it.
  Fact<std::string> user_name;
  // Of the program: those that say where caches and temporary files are, who the user is and what
  // compiles; only those that are set. Unknown: only running the command tells.
  Fact<std::map<std::string, std::string>> variables;
  // What Triton compiles its launcher with, at the first kernel that is not in its cache. Absent:
  // it is not there; unknown: there is no torch, so that nobody looked.
  // Source: Triton, python/triton/runtime/build.py, backends/nvidia/driver.py.
  Fact<std::string> compiler;       // CC, else gcc or clang on PATH
  Fact<std::string> python_header;  // Python.h in the interpreter's own include directory
  Fact<std::string> ldconfig;       // /sbin/ldconfig, which Triton runs to find libcuda
  // Of the interpreter's libc.so.6, "2.36". Absent: another libc than glibc.
  Fact<std::string> glibc;
  // The CPU that the interpreter, torch and what they load ask for, at most: "x86-64-v3". Absent:
  // no file asks for any. Source: x86-64 psABI, GNU_PROPERTY_X86_ISA_1_NEEDED.
  Fact<std::string> cpu_level;
  std::string cpu_level_of;        // the first file that asks for it
  Fact<Interpreter> interpreter;   // absent: the image has no Python that the command could use
  Fact<Torch> torch;               // absent: nothing on sys.path is called torch
  Fact<CudaRuntime> cuda_runtime;  // absent: torch needs none, or needs one that is not there
  Fact<std::vector<CompatLibrary>> compat_libraries;
  Fact<LoaderFacts> loader;  // unknown: another loader than glibc's, or no torch to load
  Fact<std::vector<Framework>> frameworks;  // torch aside; the command's own program comes last
  Fact<std::vector<Extension>> extensions;
  Fact<std::vector<Package>> packages;
  Fact<SealState> seal;             // absent: the image has none; unknown: it was not looked for
  Fact<PythonAnswer> python_probe;  // unknown: not asked for, or not to be asked here
  bool operator==(const ImageFacts&) const = default;
};

}  // namespace gpuinit
