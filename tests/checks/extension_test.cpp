#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kAbi = "extension.abi";
const std::string kArch = "extension.arch";
const std::string kSite = "/usr/local/lib/python3.12/site-packages/";

// One that loads and has code for what torch has code for.
Extension extension(const std::string& relative) {
  Extension extension;
  extension.path = kSite + relative;
  extension.package = relative.substr(0, relative.find('/'));
  extension.soabi = Text::absent("its name has no ABI tag");
  extension.machine = Text("x86_64");
  extension.needs = {"libtorch.so"};
  extension.cxx11_abi = true;
  extension.numpy_abi = Text::absent();
  extension.problems.undefined_symbols = std::vector<UndefinedSymbol>{};
  extension.device_code = Fact<DeviceCode>::absent();
  return extension;
}

Extension lacking(const std::string& relative, const std::string& library) {
  Extension one = extension(relative);
  one.problems.missing = {{library, one.path, "not found", {}}};
  one.problems.undefined_symbols = Fact<std::vector<UndefinedSymbol>>::unknown(library);
  return one;
}

Extension undefined(const std::string& relative, const std::string& symbol) {
  Extension one = extension(relative);
  one.problems.undefined_symbols = std::vector<UndefinedSymbol>{{symbol, "", one.path}};
  return one;
}

Extension with_code(const std::string& relative, std::vector<std::string> targets) {
  Extension one = extension(relative);
  DeviceCode code;
  code.files = {one.path};
  FatbinGroup group;
  group.targets = std::move(targets);
  group.ptx_isa = Text::absent();
  group.containers = 20;
  code.groups = {group};
  one.device_code = code;
  return one;
}

Facts with(std::vector<Extension> extensions) {
  auto story = healthy();
  story.image.torch->cxx11_abi = true;
  story.image.extensions = std::move(extensions);
  return story;
}

TEST(ExtensionAbi, PassesWhatLoads) {
  EXPECT_TRUE(says_nothing(with({extension("torchvision/_C.so")}), kAbi));
  EXPECT_TRUE(says_nothing(with({}), kAbi));
}

TEST(ExtensionAbi, BuiltForAnotherTorch) {
  auto story = with({undefined("flash_attn_2_cuda/a.so", "_ZN3c104cuda9SetDeviceEa")});
  const auto finding = only(story, kAbi);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_EQ(finding.summary,
            "flash_attn_2_cuda/a.so was built for another torch than torch 2.8.0+cu128");
  EXPECT_EQ(evidence(finding, "_ZN3c104cuda9SetDeviceEa"), kSite + "flash_attn_2_cuda/a.so");
  EXPECT_THAT(finding.why, HasSubstr("undefined symbol: _ZN3c104cuda9SetDeviceEa"));
  EXPECT_THAT(finding.fix, HasSubstr("a build of flash_attn_2_cuda for torch 2.8.0+cu128"));
  story.image.packages = std::vector<Package>{{"flash-attn-2-cuda", "2.7", "/s/f.dist-info", {}}};
  EXPECT_THAT(only(story, kAbi).fix, HasSubstr("--no-build-isolation 'flash-attn-2-cuda==2.7'`"));
  // What needs CUDA alone is not built against torch.
  auto cupy = lacking("cupyx/cusolver.so", "libcusolver.so.11");
  cupy.needs = {"libcusolver.so.11"};
  EXPECT_THAT(only(with({cupy}), kAbi).fix, HasSubstr("for the CUDA that is there"));
  // And "nowhere" is only said where it is nowhere.
  cupy.problems.missing[0].elsewhere = {"/s/nvidia/cusolver/lib/libcusolver.so.11"};
  EXPECT_EQ(only(with({cupy}), kAbi).summary,
            "cupyx/cusolver.so needs libcusolver.so.11, and the loader does not look into "
            "/s/nvidia/cusolver/lib");
  EXPECT_THAT(only(with({cupy}), kAbi).fix, HasSubstr("LD_LIBRARY_PATH=/s/nvidia/cusolver/lib"));
}

TEST(ExtensionAbi, OpenedByANameThatIsNotThere) {
  auto story = with({extension("dgl/graphbolt/libgraphbolt_pytorch_2.7.1.so"),
                     extension("dgl/graphbolt/libgraphbolt_pytorch_2.8.0.so")});
  EXPECT_TRUE(says_nothing(story, kAbi));
  story.image.extensions->pop_back();
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  EXPECT_EQ(only(story, kAbi).summary,
            "dgl/graphbolt/libgraphbolt_pytorch_2.7.1.so is not the one for torch 2.8.0+cu128, and "
            "there is no libgraphbolt_pytorch_2.8.0.so");

  story = with({extension("bitsandbytes/libbitsandbytes_cpu.so"),
                extension("bitsandbytes/libbitsandbytes_cuda126.so")});
  EXPECT_TRUE(says_nothing(story, kAbi)) << "of a release that is not known";
  story.image.packages =
      std::vector<Package>{{"bitsandbytes", "0.49.2", "/s/bitsandbytes-0.49.2.dist-info", {}}};
  EXPECT_THAT(only(story, kAbi).summary, HasSubstr("there is no libbitsandbytes_cuda128.so"));
  EXPECT_THAT(only(story, kAbi).fix, HasSubstr("BNB_CUDA_VERSION"));
  const auto environment = story.node.environment;
  story.node.environment = std::map<std::string, std::string>{{"BNB_CUDA_VERSION", "126"}};
  EXPECT_TRUE(says_nothing(story, kAbi));
  story.node.environment = environment;
  story.image.packages->front().version = "0.50.2";
  EXPECT_TRUE(says_nothing(story, kAbi)) << "it takes one of the same major version";
}

TEST(ExtensionAbi, APartForTorchOfAPackageThatDoesWithout) {
  auto ops = lacking("open3d/open3d_torch_ops.so", "libcudart.so.11.0");
  ops.init_function = Fact<std::string>::absent("a library");
  EXPECT_EQ(only(with({ops}), kAbi).severity, Severity::kWarn);
  ops.beside_independent = true;
  EXPECT_EQ(only(with({ops}), kAbi).severity, Severity::kSkipped);
  ops.asked_for = true;
  EXPECT_EQ(only(with({ops}), kAbi).severity, Severity::kFail);
}

TEST(ExtensionAbi, WhatThePolicyAsksForFails) {
  auto story = with({undefined("mine/_C.so", "cudaGone")});
  story.image.extensions.value()[0].asked_for = true;
  const auto finding = only(story, kAbi);
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_THAT(finding.summary, HasSubstr("needs CUDA functions"));
  Policy built_in;
  built_in.checks[kAbi] = Level::kWarn;
  EXPECT_EQ(only(story, kAbi, built_in).severity, Severity::kWarn);
  story.image.interpreter->from_command = false;
  story.image.command = {"sh", "-c", "python train.py"};
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
}

Facts with_package(Extension one, const std::string& name, const std::string& version) {
  auto story = with({std::move(one)});
  story.image.packages =
      std::vector<Package>{{name, version, kSite + name + "-" + version + ".dist-info", {}}};
  return story;
}

// Each of these was imported beside Debian's torch 1.13, and ended so.
TEST(ExtensionAbi, WhatSurelyCannotBeImportedFailsWhereThePolicyAsksForAll) {
  Policy all;
  all.extensions.all = true;
  const auto judge_one = [&](const std::string& file, const std::string& name,
                             const std::string& version) {
    const auto story = with_package(lacking(file, "libtorch.so"), name, version);
    EXPECT_THAT(verdicts(story), ElementsAre("~" + kAbi)) << "nothing is seen to import it";
    return only(story, kAbi, all).severity;
  };
  EXPECT_EQ(judge_one("torchvision/_C.so", "torchvision", "0.23.0"), Severity::kFail);
  EXPECT_EQ(judge_one("torchvision/_C.so", "torchvision", "0.15.2"), Severity::kWarn)
      << "goes on without, and pip would complain";
  EXPECT_EQ(judge_one("torchvision/image.so", "torchvision", "0.23.0"), Severity::kWarn);
  EXPECT_EQ(judge_one("torchaudio/lib/libtorchaudio.so", "torchaudio", "2.0.2"), Severity::kFail);
  EXPECT_EQ(judge_one("torchtext/lib/libtorchtext.so", "torchtext", "0.18.0"), Severity::kFail);
  EXPECT_EQ(judge_one("xformers/_C.so", "xformers", "0.0.32"), Severity::kWarn);
  const auto fits = with_package(extension("torchvision/_C.so"), "torchvision", "0.23.0");
  EXPECT_TRUE(says_nothing(fits, kAbi, all));
}

TEST(ExtensionAbi, TorchaudioOfAnotherCuda) {
  const auto summary = [](const char* version) {
    const auto story = with_package(extension("mine/_C.so"), "torchaudio", version);
    return says_nothing(story, kAbi) ? std::string() : only(story, kAbi).summary;
  };
  EXPECT_EQ(summary("2.8.0+cu126"),
            "torchaudio 2.8.0 was compiled for CUDA 12.6, and torch for CUDA 12.8");
  EXPECT_EQ(summary("2.8.0+cu128"), "");
  EXPECT_EQ(summary("2.8.0"), "");
  EXPECT_EQ(summary("2.8.0+cpu"), "");
  EXPECT_EQ(summary("2.11.1+cu126"), "") << "from here on the major version decides";
  EXPECT_EQ(summary("2.11.1+cu132"),
            "torchaudio 2.11.1 was compiled for CUDA 13.2, and torch for CUDA 12.8");
  auto story = with_package(extension("mine/_C.so"), "torchaudio", "2.8.0+cu126");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  Policy all;
  all.extensions.all = true;
  EXPECT_EQ(only(story, kAbi, all).exit_code, kExitImage);
  story.image.program->imports = {"torchaudio"};
  EXPECT_EQ(only(story, kAbi).exit_code, kExitImage);
}

TEST(ExtensionAbi, WhatThePolicyNamesAndIsNotThere) {
  auto story = with({extension("torchvision/_C.so")});
  story.image.extensions->front().asked_for = true;
  Policy policy;
  policy.extensions.include = {"torchvision"};
  EXPECT_TRUE(says_nothing(story, kAbi, policy)) << "a name means the package";
  policy.extensions.include = {"torchvision/*", "flash_attn*"};
  const auto finding = only(story, kAbi, policy);
  EXPECT_EQ(finding.exit_code, kExitImage);
  EXPECT_THAT(finding.summary, HasSubstr("no extension answers to flash_attn*"));
  // Installed, it may need none, or lie where nothing is looked for.
  story.image.packages = std::vector<Package>{{"flash-attn", "2.8.3", "/x.dist-info", {}}};
  EXPECT_EQ(only(story, kAbi, policy).severity, Severity::kWarn);
  auto file = extension("flash_attn_2_cuda.cpython-312-x86_64-linux-gnu.so");
  file.distribution = "flash-attn";
  story.image.extensions->push_back(file);
  policy.extensions.include = {"flash-attn"};
  EXPECT_TRUE(says_nothing(story, kAbi, policy)) << "its RECORD names the file";
}

TEST(ExtensionAbi, WhatTheCommandImportsFails) {
  auto story =
      with({undefined("vllm/_C.abi3.so", "cudaGone"), undefined("other/_C.so", "cudaGone")});
  story.image.program->imports = {"vllm"};
  EXPECT_THAT(verdicts(story), ElementsAre(kAbi + "=65", "~" + kAbi));
  EXPECT_EQ(evidence(run_checks(story, {}).front(), "asked for by"),
            "the command, which imports vllm");
  // A library that packages do without is no fault of this one either.
  story = with({lacking("vllm/_C.abi3.so", "libsox.so")});
  story.image.program->imports = {"vllm"};
  EXPECT_TRUE(says_nothing(story, kAbi));
  story = with({undefined("vllm/_C.abi3.so", "cudaGone")});
  story.image.program->imports = {"vllm"};
  story.image.interpreter->from_command = false;
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
}

TEST(ExtensionAbi, TheOtherCxxAbi) {
  auto one = undefined("old/_C.so", "_ZN3c105ErrorC2ENS_14SourceLocationESs");
  one.cxx11_abi = false;
  EXPECT_EQ(only(with({one}), kAbi).summary,
            "old/_C.so was built with the other C++ ABI than torch 2.8.0+cu128");
  // All that it asks for is there: then it works.
  one.problems.undefined_symbols = std::vector<UndefinedSymbol>{};
  EXPECT_TRUE(says_nothing(with({one}), kAbi));
}

TEST(ExtensionAbi, ForAnotherPythonOrProcessor) {
  auto other = extension("fast/_C.cpython-310-x86_64-linux-gnu.so");
  other.soabi = Text(soabi("310"));
  EXPECT_EQ(only(with({other}), kAbi).summary,
            "fast/_C.cpython-310-x86_64-linux-gnu.so was compiled for CPython 3.10, and the "
            "command runs CPython 3.12");
  // Builds for several Pythons stand beside each other.
  auto own = extension("fast/_C.cpython-312-x86_64-linux-gnu.so");
  own.soabi = Text(soabi("312"));
  EXPECT_TRUE(says_nothing(with({other, own}), kAbi));
  auto arm = extension("arm/_C.so");
  arm.machine = Text("aarch64");
  EXPECT_EQ(only(with({arm}), kAbi).summary,
            "arm/_C.so was compiled for aarch64, and the interpreter is x86_64");
}

// glibc 2.41 and newer, whatever the library is.
TEST(ExtensionAbi, AnExecutableStackIsRefused) {
  Extension one = lacking("ct/_ext.so", "libct.so.4");
  one.problems.missing[0].reason =
      "/x/libct.so.4: cannot enable executable stack as shared object requires";
  const Finding finding = only(with({one}), kAbi);
  EXPECT_EQ(finding.summary, "ct/_ext.so cannot be loaded: " + one.problems.missing[0].reason);
  EXPECT_THAT(finding.fix, HasSubstr("`patchelf --clear-execstack /x/libct.so.4`, or"));
  EXPECT_THAT(finding.fix, HasSubstr("glibc.rtld.execstack=2"));
}

TEST(ExtensionAbi, LibrariesOfTorchAndCudaAreMissed) {
  EXPECT_EQ(only(with({lacking("flash/_C.so", "libcudart.so.11.0")}), kAbi).summary,
            "flash/_C.so needs libcudart.so.11.0, which is nowhere to be found");
  EXPECT_FALSE(says_nothing(with({lacking("audio/_C.so", "libtorch_cuda.so")}), kAbi));
  // Packages do without these.
  for (const char* name : {"libsox.so", "libavutil.so.56", "libnvinfer.so.10", "libcutensor.so.2"})
    EXPECT_TRUE(says_nothing(with({lacking("audio/lib/_sox.so", name)}), kAbi)) << name;
  // Unless the policy says that they are needed.
  auto asked = lacking("audio/lib/_sox.so", "libsox.so");
  asked.asked_for = true;
  EXPECT_EQ(only(with({asked}), kAbi).severity, Severity::kFail);
}

TEST(ExtensionAbi, BesideACpuTorchCudaLibrariesMayBeMissing) {
  auto story = with({lacking("bitsandbytes/libbitsandbytes_cuda128.so", "libcudart.so.12")});
  story.image.torch = cpu_torch();
  EXPECT_TRUE(says_nothing(story, kAbi));
  story.image.extensions = std::vector<Extension>{lacking("audio/_C.so", "libtorch_cuda.so")};
  EXPECT_FALSE(says_nothing(story, kAbi));
}

TEST(ExtensionAbi, OneOfSeveralAlternativesIsEnough) {
  const auto bnb = [](const std::string& cuda) {
    return "bitsandbytes/libbitsandbytes_cuda" + cuda + ".so";
  };
  EXPECT_TRUE(says_nothing(with({lacking(bnb("118"), "libcudart.so.11.0"), extension(bnb("128")),
                                 lacking(bnb("130"), "libcudart.so.13")}),
                           kAbi));
  const auto none =
      only(with({lacking(bnb("118"), "libcudart.so.11.0"), lacking(bnb("130"), "libcudart.so.13")}),
           kAbi);
  EXPECT_EQ(none.summary,
            "bitsandbytes/libbitsandbytes_cuda118.so needs libcudart.so.11.0, which is nowhere to "
            "be found");
  // No FFmpeg at all is no fault of the package.
  EXPECT_EQ(only(with({lacking("torchcodec/libtorchcodec_core4.so", "libavutil.so.56"),
                       lacking("torchcodec/libtorchcodec_core7.so", "libavutil.so.59")}),
                 kAbi)
                .severity,
            Severity::kSkipped);
}

// Facts of torch_c_dlpack_ext 0.1.5 beside torch 2.14: a file for each torch from 2.4 to 2.9, which
// its Python code opens, or none where torch has the function itself.
TEST(ExtensionAbi, LibrariesNumberedByTorchHaveTheirChooser) {
  std::vector<Extension> dlpack;
  for (const char* name : {"24-cpu", "24-cuda", "29-cpu", "29-cuda"}) {
    dlpack.push_back(undefined(
        "torch_c_dlpack_ext/libtorch_c_dlpack_addon_torch" + std::string(name) + ".so", "_ZN3c10"));
    dlpack.back().init_function = Text::absent("it has no PyInit");
  }
  auto story = with(dlpack);
  story.image.torch->version = Text("2.14.0+cu130");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kSkipped);
  EXPECT_THAT(only(story, kAbi).summary, HasSubstr("libtorch_c_dlpack_addon_torch24-cpu.so"));
  // One is for this torch, and does not load; or the command needs the package.
  story.image.torch->version = Text("2.9.0+cu128");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  EXPECT_THAT(only(story, kAbi).summary, HasSubstr("_torch29-cpu.so"));
  story.image.torch->version = Text("2.14.0+cu130");
  for (auto& one : story.image.extensions.value()) one.asked_for = true;
  EXPECT_EQ(only(story, kAbi).severity, Severity::kFail);
}

// torch_memory_saver: `_cu12`, `_cu13`, and no suffix for the CUDA it was first built for.
TEST(ExtensionAbi, NoSuffixIsAnAlternativeToo) {
  const auto saver = [](const std::string& suffix) {
    return "torch_memory_saver_hook_mode_torch" + suffix + ".abi3.so";
  };
  const auto plain = lacking(saver(""), "libcudart.so.12");
  const auto cu12 = lacking(saver("_cu12"), "libcudart.so.12");
  EXPECT_TRUE(says_nothing(with({plain, cu12, extension(saver("_cu13"))}), kAbi));
  EXPECT_EQ(only(with({plain, cu12}), kAbi).severity, Severity::kWarn);
}

// sgl_kernel has an optional module that was built for one Python alone.
TEST(ExtensionAbi, AModuleForAnotherPythonIsNotTheWholePackage) {
  auto infllm = extension("sgl_kernel/infllm_ops.cpython-310-x86_64-linux-gnu.so");
  infllm.soabi = Text(soabi("310"));
  infllm.init_function = Text("PyInit_infllm_ops");
  EXPECT_EQ(only(with({infllm, extension("sgl_kernel/flash_ops.abi3.so")}), kAbi).severity,
            Severity::kSkipped);
  const auto alone = only(with({infllm}), kAbi);
  EXPECT_EQ(alone.severity, Severity::kWarn);
  EXPECT_THAT(alone.summary, HasSubstr("sgl_kernel.infllm_ops was compiled for CPython 3.10"));
  // What works for this Python and not for this torch is told.
  EXPECT_EQ(only(with({undefined("sgl_kernel/a.abi3.so", "_ZN2at4goneEv"),
                       extension("sgl_kernel/flash_ops.abi3.so")}),
                 kAbi)
                .severity,
            Severity::kWarn);
}

TEST(ExtensionAbi, APatternAsksForOneAlternativeANameForThatFile) {
  const std::string old = "bitsandbytes/libbitsandbytes_cuda118.so";
  std::vector<Extension> files{lacking(old, "libcudart.so.11.0"),
                               extension("bitsandbytes/libbitsandbytes_cuda128.so")};
  for (Extension& file : files) file.asked_for = true;
  Policy policy;
  policy.extensions.include = {"bitsandbytes/*"};
  EXPECT_TRUE(says_nothing(with(files), kAbi, policy));
  policy.extensions.include.push_back(old);
  EXPECT_EQ(only(with(files), kAbi, policy).severity, Severity::kFail);
}

// `import xformers` ends well without its _C.so, which it opens in a `try`.
TEST(ExtensionAbi, WhatAnImportedPackageOpensItselfIsAWarning) {
  auto story = with({lacking("xformers/_C.so", "libcudart.so.12")});
  story.image.program = Program{"/usr/local/bin/python3.12", "train.py", {"xformers"}, ""};
  EXPECT_EQ(only(story, kAbi).severity, Severity::kFail);
  story.image.extensions.value()[0].init_function = Text::absent("it has no PyInit__C");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  // And without any FFmpeg `import torchcodec` is worth a word.
  story = with({lacking("torchcodec/libtorchcodec_core4.so", "libavutil.so.56"),
                lacking("torchcodec/libtorchcodec_core7.so", "libavutil.so.59")});
  for (auto& one : story.image.extensions.value()) one.init_function = Text::absent();
  story.image.program = Program{"/usr/local/bin/python3.12", "train.py", {"torchcodec"}, ""};
  EXPECT_EQ(only(story, kAbi).severity, Severity::kWarn);
  EXPECT_THAT(only(story, kAbi).fix, HasSubstr("the package that has libavutil.so.56"));
}

TEST(ExtensionAbi, OneFindingForAPackage) {
  std::vector<Extension> many;
  for (char c = 'a'; c < 'k'; ++c)
    many.push_back(undefined(std::string("vllm/_") + c + ".so", "_ZN2at4goneEv"));
  const auto finding = only(with(many), kAbi);
  EXPECT_EQ(evidence(finding, "and more"), "4 files");
  many.push_back(undefined("other/_C.so", "PyGone"));
  std::vector<std::string> summaries;
  for (const auto& one : run_checks(with(many), {}))
    if (one.id == kAbi) summaries.push_back(one.summary);
  EXPECT_THAT(
      summaries,
      ElementsAre("vllm/_a.so was built for another torch than torch 2.8.0+cu128",
                  "other/_C.so needs Python functions that this interpreter does not have"));
}

TEST(ExtensionAbi, AnOldLibrary) {
  auto one = extension("new/_C.so");
  one.problems.missing_versions = {{"GLIBCXX_3.4.32", "libstdc++.so.6", "/lib/libstdc++.so.6",
                                    "ld.so.cache", one.path, "GLIBCXX_3.4.30"}};
  EXPECT_EQ(only(with({one}), kAbi).summary,
            "new/_C.so needs GLIBCXX_3.4.32 of libstdc++.so.6, and the one found is older");
}

TEST(ExtensionAbi, WhereTorchCannotBeImportedItIsSilent) {
  auto story = with({undefined("a/_C.so", "_ZN2at4goneEv")});
  story.image.torch->missing_files = std::vector<std::string>{"torch/_C.*.so"};
  EXPECT_EQ(only(story, kAbi).severity, Severity::kSkipped);
  story = healthy();
  story.image.extensions = Fact<std::vector<Extension>>::unknown("sys.path is not known");
  EXPECT_EQ(only(story, kAbi).severity, Severity::kUndecided);
}

TEST(ExtensionArch, PassesWhatTheGpuCanRun) {
  EXPECT_TRUE(says_nothing(with({with_code("xformers/_C.so", {"sm_80", "sm_90"})}), kArch));
  EXPECT_TRUE(says_nothing(with({extension("none/_C.so")}), kArch));
  // A library for one generation stands beside one for all.
  auto story = with({with_code("xformers/_C.so", {"sm_80"}),
                     with_code("xformers/flash_attn_3/_C.so", {"sm_90a"})});
  story.node.devices = std::vector<Device>{device("NVIDIA A100", "8.0")};
  EXPECT_TRUE(says_nothing(story, kArch));
}

TEST(ExtensionArch, NoCodeForTheGpu) {
  auto story = with({with_code("flash_attn/a.so", {"sm_80", "sm_86"})});
  const auto finding = only(story, kArch);
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_EQ(finding.summary,
            "flash_attn has no code for GPUs 0, 1 (NVIDIA H100 80GB HBM3, compute capability 9.0)");
  EXPECT_EQ(evidence(finding, "code"), "sm_80, sm_86");
  EXPECT_THAT(finding.fix, HasSubstr("TORCH_CUDA_ARCH_LIST=\"9.0\""));
  story.image.extensions.value()[0].asked_for = true;
  EXPECT_EQ(only(story, kArch).severity, Severity::kFail);
  EXPECT_EQ(only(story, kArch).exit_code, kExitFit);
}

TEST(ExtensionArch, APatternAsksForThePackageANameForThatFile) {
  auto story = with({with_code("bitsandbytes/libbitsandbytes_cuda121.so", {"sm_80"}),
                     with_code("bitsandbytes/libbitsandbytes_cuda128.so", {"sm_90"})});
  for (auto& one : story.image.extensions.value()) one.asked_for = true;
  Policy policy;
  policy.extensions.include = {"bitsandbytes/*"};
  EXPECT_TRUE(says_nothing(story, kArch, policy));
  policy.extensions.include = {"bitsandbytes/libbitsandbytes_cuda121.so"};
  EXPECT_EQ(only(story, kArch, policy).exit_code, kExitFit);
}

TEST(ExtensionArch, WhatIsForOtherGpusByDesignIsANote) {
  for (const auto& code :
       {with_code("flash_mla/cuda.abi3.so", {"sm_100a", "sm_103a"}),
        with_code("nccl/ep/lib/cu13/libnccl_ep.so", {"sm_100", "sm_100a", "sm_110"})}) {
    auto story = with({code});
    EXPECT_EQ(only(story, kArch).severity, Severity::kSkipped) << code.path;
    story.image.program->imports = {code.package};
    EXPECT_EQ(only(story, kArch).severity, Severity::kFail) << code.path;
    story = with({code});
    story.image.extensions.value()[0].asked_for = true;
    EXPECT_EQ(only(story, kArch).severity, Severity::kFail) << code.path;
  }
}

TEST(ExtensionArch, WhatCannotBeLoadedIsNotJudged) {
  auto other = with_code("bitsandbytes/libbitsandbytes_cuda118.so", {"sm_70"});
  other.problems.missing = {{"libcudart.so.11.0", other.path, "not found", {}}};
  EXPECT_TRUE(says_nothing(
      with({other, with_code("bitsandbytes/libbitsandbytes_cuda128.so", {"sm_90"})}), kArch));
}

TEST(ExtensionArch, WithoutDevicesThereIsNothingToJudge) {
  auto story = with({with_code("flash_attn/a.so", {"sm_80"})});
  story.node.devices = Fact<std::vector<Device>>::unknown("no probe");
  EXPECT_EQ(only(story, kArch).severity, Severity::kSkipped);
  story = with({with_code("flash_attn/a.so", {"sm_80"})});
  Policy no_gpu;
  no_gpu.gpu.required = GpuRequired::kNo;
  EXPECT_EQ(only(story, kArch, no_gpu).severity, Severity::kSkipped);
}

}  // namespace
}  // namespace gpuinit::checks
