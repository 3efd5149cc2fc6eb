// loader.missing: every library that the interpreter and torch need is found.
#include <algorithm>

#include "base/root_fs.h"
#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/frameworks.h"
#include "checks/loader_names.h"

namespace gpuinit::checks {

namespace {

constexpr std::size_t kShown = 4;

// torch's own libraries, which torch.install has reported.
bool is_of_torch(const MissingLibrary& missing) {
  return missing.name.starts_with("libtorch") || missing.name.starts_with("libc10") ||
         missing.name.starts_with("libshm") || missing.name.starts_with("_C.");
}

std::vector<MissingLibrary> of_image(const Context& context) {
  std::vector<MissingLibrary> missing = context.image.loader->problems.missing;
  if (context.suppressed_by("torch.install")) std::erase_if(missing, is_of_torch);
  return missing;
}

// The file that is there and that the loader cannot use; empty: it is not there.
std::string_view unusable_file(const MissingLibrary& missing) {
  if (!missing.reason.starts_with('/')) return {};
  return std::string_view(missing.reason).substr(0, missing.reason.find(": "));
}

// What the reason says of it: "is cut short: 0 of 512 bytes, by …".
std::string_view cut_short(const MissingLibrary& missing) {
  const std::string_view file = unusable_file(missing);
  if (file.empty() || missing.reason.size() < file.size() + 2) return {};
  const std::string_view said = std::string_view(missing.reason).substr(file.size() + 2);
  return said.starts_with("is cut short") || said == "is empty" ? said : std::string_view();
}

// "pip install --force-reinstall --no-deps nvidia-cublas-cu12==12.8.3", by the RECORD that says so.
std::string reinstall(const Context& context, std::string_view said) {
  constexpr std::string_view kRecord = "the RECORD of ";
  const auto at = said.find(kRecord);
  if (at == std::string_view::npos) return "Copy or install it again, whole.";
  std::string package(said.substr(at + kRecord.size()));
  const auto dash = package.rfind('-');
  if (dash != std::string::npos) package.replace(dash, 1, "==");
  std::replace(package.begin(),
               package.begin() + static_cast<std::ptrdiff_t>(std::min(dash, package.size())), '_',
               '-');
  return joined({"Reinstall it: `", Installed(context.image).pip("install"),
                 " --force-reinstall --no-deps '", package,
                 "'`. A download, a COPY or a disk that was full leave such files."});
}

std::string fix(const Context& context, const MissingLibrary& first) {
  if (std::string stack = executable_stack_fix(first.reason); !stack.empty()) return stack;
  if (const auto said = cut_short(first); !said.empty()) return reinstall(context, said);
  if (const auto file = unusable_file(first); !file.empty())
    return joined({"The loader takes ", file,
                   " and can do nothing with it: put the right file there, or take it away."});
  if (!first.elsewhere.empty()) {
    const std::string directory(base::parent(first.elsewhere.front()));
    if (is_of_cuda(first.name))
      return "It lies in " + directory +
             ", where neither torch nor the loader looks: install torch and the nvidia-* packages "
             "into one site-packages (one pip command), or set LD_LIBRARY_PATH=" +
             directory + ".";
    return "It lies in " + directory + ": set LD_LIBRARY_PATH=" + directory +
           ", or name the directory in /etc/ld.so.conf.d and run ldconfig.";
  }
  if (is_of_torch(first)) {
    const std::string again = torch_again(context.image);
    return joined({"It is torch's own, and comes with it: ",
                   again.empty() ? "install torch again" : again, "."});
  }
  if (std::string install = how_to_install(context, first.name); !install.empty()) return install;
  if (first.name.starts_with("libpython"))
    return "The interpreter was copied without its library: copy its whole prefix, or set "
           "LD_LIBRARY_PATH (or run ldconfig) for the directory that has it.";
  return joined(
      {"Install or copy what has ", first.name, ", or take what needs it out of the image."});
}

// What torch will open by name when it is first used.
Findings missing_later(const Context& context) {
  const auto& missing = context.image.loader->missing_later;
  if (missing.empty()) return {};
  const MissingLibrary& first = missing.front();
  Finding finding =
      warning(joined({first.name, " is not found, and ", short_path(context, first.needed_by),
                      " opens it when it is first used"}));
  for (const MissingLibrary& one : missing) {
    finding.about.push_back(one.name);
    add_evidence(finding, "missing", one.name, one.reason);
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH"});
  finding.why =
      first.name.starts_with("libnvrtc")
          ? joined({"`import torch` comes through. What is compiled when it is first used "
                    "(torch.lcm, many functions of complex numbers) ends with \"nvrtc: error: "
                    "failed to open ",
                    first.name, "\"."})
          : joined({"`import torch` comes through. The first call into cuDNN aborts the process: "
                    "\"Unable to load any of {",
                    first.name, "}\"."});
  finding.fix = fix(context, first);
  return finding;
}

Findings of_torch(const Context& context) {
  if (auto skip = loader_not_read(context)) return skip;
  const std::vector<MissingLibrary> missing = of_image(context);
  if (missing.empty()) return missing_later(context);

  const MissingLibrary& first = missing.front();
  const auto& python = *context.image.interpreter;
  const bool of_python = first.needed_by == python.path || first.needed_by == python.real_path;
  const bool is_there = first.reason.starts_with('/');
  std::string summary = first.name;
  if (const auto said = cut_short(first); !said.empty())
    summary += joined({" ", said.substr(0, said.find(", by")), ", and "});
  else summary += is_there ? " cannot be loaded, and " : " is not found, and ";
  summary += of_python ? "the interpreter" : short_path(context, first.needed_by);
  summary += " needs it";
  if (missing.size() > 1)
    summary += " (and " + std::to_string(missing.size() - 1) +
               (missing.size() == 2 ? " more library)" : " more libraries)");
  Finding finding = failure(kExitImage, std::move(summary));
  for (const MissingLibrary& one : missing) finding.about.push_back(one.name);
  for (std::size_t i = 0; i < std::min(missing.size(), kShown); ++i) {
    add_evidence(finding, "missing", missing[i].name, "needed by " + missing[i].needed_by);
    add_evidence(finding, "loader", missing[i].reason);
    if (!missing[i].elsewhere.empty() && unusable_file(missing[i]).empty())
      add_evidence(finding, "not looked at", listed(missing[i].elsewhere, 3));
  }
  for (const std::string& one : context.image.loader->notes)
    if (one.starts_with("torch's preload")) add_evidence(finding, "torch", one);
  add_variables(finding, context, {"LD_LIBRARY_PATH"});
  const std::string said = is_there ? first.reason
                                    : first.name +
                                          ": cannot open shared object file: No such file "
                                          "or directory";
  finding.why =
      of_python ? "Python would not start: \"error while loading shared libraries: " + first.name +
                      ": cannot open shared object file\"."
                : joined({"`import torch` would end with \"", said, "\"."});
  finding.fix = fix(context, first);
  return finding;
}

// Of a framework, or the command's own program.
Findings of_framework(const Context& context, const Framework& framework, const void*) {
  const auto& all = framework.problems.missing;
  if (all.empty()) return {};
  const MissingLibrary& first = all.front();
  if (std::string stack = executable_stack_fix(first.reason); !stack.empty()) {
    Finding finding =
        failure(kExitImage, joined({words_of(framework), " cannot be loaded: ", first.name,
                                    " asks for an executable stack"}));
    add_evidence(finding, "loader", first.reason);
    finding.why = joined({"Its import would end with \"", first.reason, "\"."});
    finding.fix = std::move(stack);
    return finding;
  }
  const bool is_program = context.image.program && framework.path == context.image.program->path;
  Finding finding = failure(
      kExitImage, joined({first.name, " is not found, and ",
                          is_program ? short_path(context, first.needed_by) : words_of(framework),
                          " needs it"}));
  for (const MissingLibrary& one : all) finding.about.push_back(one.name);
  for (std::size_t i = 0; i < std::min(all.size(), kShown); ++i) {
    add_evidence(finding, "missing", all[i].name, joined({"needed by ", all[i].needed_by}));
    if (!all[i].elsewhere.empty())
      add_evidence(finding, "not looked at", listed(all[i].elsewhere, 3));
  }
  add_variables(finding, context, {"LD_LIBRARY_PATH"});
  finding.why = joined({is_program ? "It would not start: \"error while loading shared libraries: "
                                   : "It would get no GPU, or end with: \"",
                        first.name, ": cannot open shared object file\"."});
  if (!first.elsewhere.empty()) {
    finding.fix = joined({"Set LD_LIBRARY_PATH=", base::parent(first.elsewhere.front()),
                          ", or let the program open it first (ctypes.CDLL)."});
    // Its preload_dlls() does so, and programs that have the wheels are there to call it.
    if (framework.name == "onnxruntime") return note(std::move(finding));
    return finding;
  }
  if (is_of_cuda(first.name))
    finding.fix =
        joined({"Install the package that has it, or use a base image with the runtime "
                "libraries of CUDA ",
                framework.cuda.value_or(""), " (-runtime, -cudnn)."});
  else finding.fix = fix(context, first);
  return finding;
}

Findings run(const Context& context) { return of_loading(context, of_torch, of_framework); }

}  // namespace

extern constexpr Check kLoaderMissing{
    .id = "loader.missing",
    .exit_codes = "65",
    .suppressed_by = "platform python.interpreter python.abi",
    .needs_certain_interpreter = true,
    .title = "a shared library that torch needs is nowhere to be found",
    .looks_at =
        "The libraries that glibc's loader would map for the interpreter and for `import torch`: "
        "NEEDED, RPATH, RUNPATH, LD_LIBRARY_PATH, LD_PRELOAD, ld.so.cache, default directories, "
        "and what torch preloads from sys.path; a warning for the parts that libcudnn and "
        "libnvrtc open later. Libraries of the node's driver (libcuda, libnvidia-*) are "
        "cuda.libcuda's. "
        "Also those of a program that is not Python, and what frameworks (jax, onnxruntime, "
        "ctranslate2, llama.cpp) open by name. Unknown on musl and for a Python with a loader of "
        "its own.",
    .why =
        "\"ImportError: libcudnn.so.9: cannot open shared object file\", or Python itself does not "
        "start. Package managers that resolve torch without its extras, images that install torch "
        "and the nvidia-* packages in different places, and slim base images leave libraries out.",
    .fix =
        "Install what is missing in the same place as torch (the finding names the package), or "
        "set LD_LIBRARY_PATH to the directory that has it.",
    .source = "ld.so(8); glibc, elf/dl-load.c; PyTorch, torch/__init__.py _load_global_deps()",
    .run = run,
};

}  // namespace gpuinit::checks
