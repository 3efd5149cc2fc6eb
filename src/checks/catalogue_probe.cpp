// The texts behind `gpuinit --explain ID`: what the Python probe finds.
#include "checks/catalogue_texts.h"

namespace gpuinit::checks {

namespace {

constexpr CheckInfo kTexts[] = {
    {
        .id = "python.import",
        .exit_codes = "65",
        .title = "torch or a module of python.imports cannot be imported",
        .looks_at =
            "With python.probe = \"import\": a child process runs the command's own interpreter, "
            "with "
            "the command's options, environment and directory, and imports torch, if there is one, "
            "and then each name of python.imports. The exception and its traceback are shown as "
            "Python gives them. An import that crashes or ends the process fails; one that does "
            "not "
            "end within probe.timeout, or is killed from outside (out of memory), is a warning. An "
            "import that asks for a GPU where none is visible decides nothing. What a check of the "
            "files has already failed for is not told twice.",
        .why = "The command would end with the same exception when it imports the module.",
        .fix = "Read the last line of the exception: it names the module, library or symbol that "
               "is missing. Install the package again for this Python and this torch, or take a "
               "name out of python.imports that the command does not need.",
        .source = "Python documentation, \"The import system\"",
    },
    {
        .id = "probe.disagrees",
        .exit_codes = "65",
        .title = "what the interpreter says of itself is not what was read from the files",
        .looks_at =
            "With python.probe: version, SOABI and prefixes of the interpreter, where torch would "
            "be "
            "imported from and, with \"import\", torch's version, CUDA, HIP and list of "
            "architectures, as the running interpreter says and as gpuinit read them from files. "
            "Also an `import torch` that works although a check of the files failed. It is a "
            "warning unless the policy says otherwise.",
        .why =
            "One of the two is wrong, so other checks may have judged what the command does not "
            "use. Code that runs at Python's start (sitecustomize, `import` lines in .pth files) "
            "can change what no file shows.",
        .fix = "Look for what runs at Python's start in this image. If there is nothing, gpuinit "
               "reads the image wrongly: please report it with the output of `gpuinit --facts`.",
        .source = "CPython, Modules/getpath.py, Lib/site.py",
    },
};

}  // namespace

std::span<const CheckInfo> probe_texts() { return kTexts; }

}  // namespace gpuinit::checks
