#include "gpuinit/exit_codes.h"
#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::HasSubstr;

// jax as pip installs it, with code for `targets` in every container.
Framework framework(const std::string& name, const std::string& cuda,
                    std::vector<std::string> targets) {
  Framework framework;
  framework.name = name;
  framework.path = "/s/" + name + ".so";
  framework.version = std::string("1.2");
  framework.cuda = cuda.empty() ? Text::absent() : Text(cuda);
  std::sort(targets.begin(), targets.end());
  framework.device_code = DeviceCode{{framework.path}, {}, {{targets, Text::absent(), 50}}};
  framework.problems.undefined_symbols = std::vector<UndefinedSymbol>{};
  framework.for_gpu = true;
  framework.falls_back = true;
  return framework;
}

Framework jax(const std::string& cuda = "12") {
  return framework("jax", cuda, {"sm_80", "sm_90", "sm_120"});
}

// The command is this program; there is no Python.
Framework program() {
  Framework program = framework("embedder", "12", {"sm_80", "sm_90"});
  program.path = "/app/embedder";
  program.runs = true;
  program.falls_back = false;
  return program;
}

Facts without_torch(std::vector<Framework> frameworks) {
  Facts story = healthy();
  story.image.torch = Fact<Torch>::absent("nothing on sys.path is called torch");
  story.image.cuda_runtime = Fact<CudaRuntime>::absent("there is no torch");
  story.image.frameworks = std::move(frameworks);
  return story;
}

Facts running(std::vector<Framework> frameworks) {
  Facts story = without_torch(std::move(frameworks));
  story.image.command = {"/app/embedder"};
  story.image.program = Program{"/app/embedder", "", {}, ""};
  const std::string none = "`/app/embedder` is not Python, and there is none";
  story.image.interpreter = Fact<Interpreter>::absent(none);
  story.image.torch = Fact<Torch>::unknown(none);
  story.image.loader = Fact<LoaderFacts>::unknown(none);
  story.image.extensions = Fact<std::vector<Extension>>::unknown(none);
  story.image.packages = Fact<std::vector<Package>>::unknown(none);
  return story;
}

void put_driver(Facts& story, const std::string& release, const std::string& cuda) {
  story.node = node(release, cuda, *story.node.devices);
}

Facts with_old_driver(Facts story) {
  put_driver(story, "470.82.01", "11.4");
  return story;
}

Facts on(const std::string& capability, Facts story) {
  story.node.devices = std::vector<Device>{device("NVIDIA X", capability)};
  return story;
}

Policy requiring(const std::string& name) {
  Policy policy = usual();
  policy.require.frameworks = {name};
  return policy;
}

TEST(Frameworks, GoodOnesAreSilent) {
  for (const Facts& story : {without_torch({jax()}), running({program()})})
    for (const Finding& finding : run_checks(story, usual()))
      EXPECT_TRUE(finding.severity == Severity::kSkipped ||
                  finding.severity == Severity::kUndecided)
          << finding.id << ": " << finding.summary;
}

TEST(Frameworks, WhatFallsBackWarnsUnlessItIsRequired) {
  const Facts story = with_old_driver(without_torch({jax()}));
  const Finding warned = only(story, "cuda.driver");
  EXPECT_EQ(warned.severity, Severity::kWarn);
  EXPECT_THAT(warned.summary, HasSubstr("jax 1.2 needs CUDA 12, and the node has driver 470"));
  EXPECT_THAT(evidence(warned, "only a warning because"), HasSubstr("goes on with the CPU"));
  EXPECT_EQ(only(story, "cuda.driver", requiring("jax")).severity, Severity::kFail);
  EXPECT_EQ(only(story, "cuda.driver", requiring("jax")).exit_code, kExitFit);
}

TEST(Frameworks, ItsNodeIsJudgedAsTorchsIs) {
  Facts story = without_torch({jax()});
  story.node.driver.libcuda = Fact<LibCuda>::absent();
  story.node.probe = Fact<ProbeRun>::unknown("");
  EXPECT_EQ(only(story, "cuda.libcuda").severity, Severity::kWarn);
  EXPECT_EQ(only(story, "cuda.libcuda", requiring("jax")).severity, Severity::kFail);
  Policy yes = usual();
  yes.gpu.required = GpuRequired::kYes;
  EXPECT_EQ(only(story, "cuda.libcuda", yes).severity, Severity::kFail);
}

TEST(Frameworks, AProgramThatRunsOnGpusFailsWithoutPython) {
  Facts story = on("3.7", running({program()}));
  EXPECT_EQ(only(story, "device.arch").severity, Severity::kFail);
  EXPECT_THAT(only(story, "device.arch").summary, HasSubstr("embedder 1.2 has no code for GPU 0"));
  EXPECT_EQ(only(with_old_driver(running({program()})), "cuda.driver").severity, Severity::kFail);
  story = running({program()});
  story.node.environment->emplace("NVIDIA_REQUIRE_CUDA", "cuda>=99.0");
  EXPECT_EQ(only(story, "cuda.require").severity, Severity::kFail);
}

TEST(Frameworks, AGuessedPythonDoesNotSoftenWhatTheProgramNeeds) {
  Facts story = with_old_driver(running({program()}));
  story.image.interpreter = healthy().image.interpreter;
  story.image.interpreter->from_command = false;
  story.image.torch = healthy().image.torch;
  std::vector<Severity> severities;
  for (const Finding& finding : run_checks(story, usual()))
    if (finding.id == "cuda.driver") severities.push_back(finding.severity);
  EXPECT_THAT(severities, testing::ElementsAre(Severity::kWarn, Severity::kFail))
      << "torch, which is guessed, and the program";
}

TEST(Frameworks, OneThatOpensItsCodeForEveryGpuHasToHaveSome) {
  Framework ggml = framework("llama.cpp", "12", {"sm_80"});
  ggml.runs = true;
  EXPECT_EQ(only(on("12.0", running({ggml})), "device.arch").severity, Severity::kFail);
  EXPECT_EQ(only(with_old_driver(running({ggml})), "cuda.driver").severity, Severity::kWarn)
      << "it goes on with the CPU";
  ggml.problems.missing = {{"libcudart.so.12", ggml.path, "not found", {}}};
  EXPECT_TRUE(says_nothing(on("12.0", running({ggml})), "device.arch")) << "it cannot be opened";
  EXPECT_EQ(only(running({ggml}), "loader.missing").severity, Severity::kWarn);
}

TEST(Frameworks, AProgramThatLacksALibraryCannotStart) {
  Framework lacking = program();
  lacking.cuda = Text::absent();
  lacking.device_code = Fact<DeviceCode>::absent();
  lacking.runs = lacking.for_gpu = false;
  lacking.problems.missing = {{"libx.so.1", lacking.path, "not found", {}}};
  const Finding finding = only(running({lacking}), "loader.missing");
  EXPECT_EQ(finding.severity, Severity::kFail);
  EXPECT_EQ(finding.exit_code, kExitImage);
  lacking.problems.missing.clear();
  lacking.problems.missing_versions = {
      {"GLIBC_2.38", "libc.so.6", "/l/libc.so.6", "ld.so.cache", lacking.path, "GLIBC_2.36"}};
  EXPECT_EQ(only(running({lacking}), "loader.version").severity, Severity::kFail);
}

TEST(Frameworks, ASlowStartIsTheBusinessOfThoseWhoUseIt) {
  const Framework jit = framework("tensorflow", "12", {"compute_80"});
  Facts story = on("9.0", without_torch({jit}));
  story.image.frameworks->front().device_code->groups[0].ptx_isa = std::string("7.0");
  EXPECT_EQ(only(story, "device.arch").severity, Severity::kSkipped);
  EXPECT_EQ(only(story, "device.arch", requiring("tensorflow")).severity, Severity::kWarn);
}

TEST(Frameworks, AFunctionThatNoLibraryHasIsTold) {
  Framework ort = framework("onnxruntime", "12", {"sm_90"});
  ort.problems.undefined_symbols =
      std::vector<UndefinedSymbol>{{"cublasLtMatmul", "libcublasLt.so.12", ort.path}};
  EXPECT_EQ(only(without_torch({ort}), "loader.symbol").severity, Severity::kWarn);
  EXPECT_THAT(only(without_torch({ort}), "loader.symbol").summary,
              HasSubstr("onnxruntime 1.2 needs the symbol cublasLtMatmul"));
  EXPECT_EQ(only(without_torch({ort}), "loader.symbol", requiring("onnxruntime")).exit_code,
            kExitImage);
}

TEST(Frameworks, OfTwoOfOneNameOneIsEnough) {
  const Facts story = without_torch({jax("13"), jax("12")});
  Facts older = story;
  put_driver(older, "535.104.05", "12.2");
  EXPECT_TRUE(says_nothing(older, "cuda.driver"));
  older.image.frameworks->pop_back();
  EXPECT_EQ(only(older, "cuda.driver").severity, Severity::kWarn);
}

TEST(Frameworks, OneThatServesTheCpuTooAsksForNothing) {
  Framework xgboost = framework("xgboost", "12", {"sm_80"});
  xgboost.for_gpu = false;
  Facts story = without_torch({xgboost});
  story.node.driver.libcuda = Fact<LibCuda>::absent();
  story.node.probe = Fact<ProbeRun>::unknown("");
  story.node.device_nodes = std::vector<DeviceNode>{};
  for (const Finding& finding : run_checks(story, usual()))
    EXPECT_NE(finding.severity, Severity::kWarn) << finding.id;
  EXPECT_EQ(only(story, "cuda.libcuda").severity, Severity::kSkipped);
  EXPECT_EQ(only(story, "cuda.libcuda", requiring("xgboost")).severity, Severity::kFail);
}

// It cannot be imported, with or without a GPU.
TEST(Frameworks, OneThatAsksForAnExecutableStackIsTold) {
  Framework one = framework("ctranslate2", "12", {"sm_80"});
  one.for_gpu = false;
  const std::string refused =
      "/s/libct.so.4: cannot enable executable stack as shared object requires";
  one.problems.missing = {{"libct.so.4", one.path, refused, {}}};
  Facts story = healthy();
  story.image.frameworks = std::vector<Framework>{one};
  const Finding finding = only(story, "loader.missing");
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_EQ(finding.summary,
            "ctranslate2 1.2 cannot be loaded: libct.so.4 asks for an executable stack");
  EXPECT_THAT(finding.fix, HasSubstr("`patchelf --clear-execstack /s/libct.so.4`, or"));
  EXPECT_EQ(only(story, "loader.missing", requiring("ctranslate2")).severity, Severity::kFail);
}

TEST(Frameworks, BesideATorchTheyOnlyWarn) {
  Facts story = healthy();
  story.image.frameworks = std::vector<Framework>{framework("onnxruntime", "13", {"sm_80"})};
  put_driver(story, "570.124.06", "12.8");
  EXPECT_EQ(only(story, "cuda.driver").severity, Severity::kWarn);
  Policy yes = usual();
  yes.gpu.required = GpuRequired::kYes;
  EXPECT_EQ(only(story, "cuda.driver", yes).severity, Severity::kWarn) << "torch may be meant";
}

TEST(Frameworks, LibrariesInWheelsMayBeOpenedByTheProgram) {
  Framework ort = framework("onnxruntime", "12", {"sm_90"});
  ort.problems.missing = {{"libcublas.so.12", ort.path, "not found", {"/s/nvidia/x/lib/l.so"}}};
  EXPECT_EQ(only(without_torch({ort}), "loader.missing").severity, Severity::kSkipped)
      << "onnxruntime.preload_dlls()";
  ort.name = "ctranslate2";
  const Finding finding = only(without_torch({ort}), "loader.missing");
  EXPECT_EQ(finding.severity, Severity::kWarn);
  EXPECT_THAT(finding.fix, HasSubstr("LD_LIBRARY_PATH=/s/nvidia/x/lib"));
}

TEST(ExpectPackages, PinsAnyDistribution) {
  Facts story = healthy();
  story.image.packages->push_back({"jax", "0.7.1", "/s/jax-0.7.1.dist-info", {}});
  Policy policy = usual();
  EXPECT_EQ(only(story, "expect.packages", policy).severity, Severity::kSkipped);
  policy.expect.packages["jax"] = ">=0.7";
  EXPECT_TRUE(says_nothing(story, "expect.packages", policy));
  policy.expect.packages["jax"] = ">=0.8";
  EXPECT_EQ(only(story, "expect.packages", policy).exit_code, kExitImage);
  EXPECT_THAT(only(story, "expect.packages", policy).summary,
              HasSubstr("jax is 0.7.1, and the policy pins >=0.8"));
  policy.expect.packages.clear();
  policy.expect.packages["flax"] = ">=0.1";
  EXPECT_THAT(only(story, "expect.packages", policy).summary, HasSubstr("not there"));
  story.image.packages = Fact<std::vector<Package>>::unknown("sys.path is not known");
  EXPECT_EQ(only(story, "expect.packages", policy).severity, Severity::kUndecided);
}

TEST(ExpectPackages, ARequiredFrameworkHasToBeThere) {
  EXPECT_THAT(only(healthy(), "expect.packages", requiring("jax")).summary,
              HasSubstr("requires jax, and the image has none"));
  EXPECT_TRUE(says_nothing(without_torch({jax()}), "expect.packages", requiring("jax")) ||
              only(without_torch({jax()}), "expect.packages", requiring("jax")).severity ==
                  Severity::kSkipped);
}

}  // namespace
}  // namespace gpuinit::checks
