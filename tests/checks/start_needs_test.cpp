// toolchain, user, writable and threads: what a start needs besides libraries.
#include <cerrno>
#include <stdexcept>

#include "story.h"

namespace gpuinit::checks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// `vllm serve` on the healthy image.
Facts vllm() {
  auto story = healthy();
  story.image.command = {"vllm", "serve", "/models/m"};
  story.image.program = Program{"/usr/local/bin/python3.12", "/usr/local/bin/vllm", {"vllm"}, ""};
  story.image.packages = std::vector<Package>{{"vllm", "0.10.2", "/s/vllm-0.10.2.dist-info", {}},
                                              {"triton", "3.4.0", "/s/triton-3.4.0.dist-info", {}}};
  return story;
}
Facts without_compiler(Facts story) {
  story.image.compiler = Text::absent("neither gcc nor clang is on PATH");
  return story;
}
Facts nameless(Facts story) {
  story.image.uid = 12345U;
  story.image.user_name = Text::absent("no line of /etc/passwd has it");
  return story;
}
WritablePlace& place(Facts& story, const std::string& name) {
  for (WritablePlace& one : story.node.places.value())
    if (one.name == name) return one;
  throw std::runtime_error(name);
}

TEST(StartNeeds, AHealthyEngineIsQuiet) { EXPECT_THAT(verdicts(vllm(), usual()), IsEmpty()); }

// Runtime images have neither gcc nor a named user, and run training scripts well.
TEST(StartNeeds, ATorchImageAloneNeedsNoneOfThem) {
  auto story = nameless(without_compiler(healthy()));
  story.image.ldconfig = Text::absent("none");
  for (WritablePlace& one : story.node.places.value()) one.write_errno = EROFS;
  EXPECT_THAT(verdicts(story, usual()), IsEmpty());
  story.image.packages = vllm().image.packages;
  EXPECT_THAT(verdicts(story, usual()), IsEmpty()) << "installed, but the command runs a script";
}

TEST(Toolchain, AnEngineWithoutACompilerIsWorthAWarning) {
  const auto story = without_compiler(vllm());
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~toolchain"));
  EXPECT_THAT(only(story, "toolchain").fix, HasSubstr("apt-get install -y gcc"));
}

TEST(Toolchain, TheEngineMayBeAScriptsOrTheWholeImage) {
  auto story = without_compiler(vllm());
  story.image.program = Program{"/usr/bin/python3", "app.py", {}, "", {"os", "vllm"}};
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~toolchain"));
  story.image.program->runs = "-m vllm.entrypoints.openai.api_server";
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~toolchain"));
  story.image.program->runs = "-m vllm.benchmarks.serve";
  EXPECT_THAT(verdicts(story, usual()), IsEmpty()) << "a client";
  story.image.program = Program{"/usr/bin/python3", "app.py", {}, "", {"vllmish"}};
  EXPECT_THAT(verdicts(story, usual()), IsEmpty());
  story.image.command.clear();
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~toolchain")) << "gpuinit --check alone";
  story.image.packages->clear();
  EXPECT_THAT(verdicts(story, usual()), IsEmpty());
}

TEST(Toolchain, HeadersAndLibcudaAreNeededToo) {
  auto story = vllm();
  story.image.python_header = Text::absent("not there");
  EXPECT_THAT(only(story, "toolchain").summary, HasSubstr("Python.h"));
  story = vllm();
  story.node.driver.libcuda->found_by = "default directory";
  EXPECT_THAT(only(story, "toolchain").summary, HasSubstr("libcuda"));
  story.image.variables->emplace("TRITON_LIBCUDA_PATH", "/usr/lib");
  EXPECT_TRUE(says_nothing(story, "toolchain"));
  story = vllm();
  story.image.ldconfig = Text::absent("not there");
  EXPECT_THAT(only(story, "toolchain").summary, HasSubstr("ldconfig"));
}

// As the ptxas of the wheels answered: 3.5.1 knows sm_100a and sm_120a, 3.6 sm_103a and sm_121a,
// 3.7 sm_110a.
TEST(Toolchain, PtxasHasToKnowTheGpu) {
  const auto warns = [](const std::string& triton, const std::string& capability) {
    auto story = vllm();
    story.image.packages->back().version = triton;
    story.node.devices = std::vector<Device>{device("a GPU", capability)};
    return !says_nothing(story, "toolchain");
  };
  EXPECT_FALSE(warns("3.2.0", "9.0"));
  EXPECT_TRUE(warns("3.2.0", "10.0"));
  EXPECT_FALSE(warns("3.3.1", "12.0"));
  EXPECT_TRUE(warns("3.5.1", "12.1"));
  EXPECT_TRUE(warns("3.5.1", "10.3"));
  EXPECT_FALSE(warns("3.6.0", "12.1"));
  EXPECT_TRUE(warns("3.6.0", "11.0"));
  EXPECT_FALSE(warns("3.7.0", "11.0"));
  EXPECT_FALSE(warns("3.5.1+git1234", "12.1")) << "a vendor's build";
  auto story = vllm();
  story.node.devices = std::vector<Device>{device("NVIDIA GB10", "12.1")};
  EXPECT_EQ(only(story, "toolchain").exit_code, kExitFit);
  EXPECT_THAT(only(story, "toolchain").why, HasSubstr("sm_121a"));
  story.image.variables->emplace("TRITON_PTXAS_PATH", "/usr/local/cuda/bin/ptxas");
  EXPECT_TRUE(says_nothing(story, "toolchain"));
}

TEST(Toolchain, AFilledCacheOrEagerModeMayDoWithout) {
  auto story = without_compiler(vllm());
  place(story, "VLLM_CACHE_ROOT").filled = true;
  EXPECT_EQ(only(story, "toolchain").severity, Severity::kSkipped);
  story = without_compiler(vllm());
  story.image.command.emplace_back("--enforce-eager");
  EXPECT_TRUE(says_nothing(story, "toolchain"));
}

TEST(User, ANamelessUserFailsOlderTorch) {
  EXPECT_THAT(verdicts(nameless(vllm()), usual()), ElementsAre("~user"));
  EXPECT_THAT(only(nameless(vllm()), "user").why, HasSubstr("uid not found"));
  for (const char* name : {"LOGNAME", "USER", "LNAME", "USERNAME"}) {
    auto story = nameless(vllm());
    story.image.variables->emplace(name, "app");
    EXPECT_THAT(verdicts(story, usual()), IsEmpty()) << name;
    story.image.variables->at(name) = "";
    EXPECT_THAT(verdicts(story, usual()), ElementsAre("~user")) << name;
  }
  auto story = nameless(vllm());
  story.image.torch->version = Text("2.13.0+cu132");
  EXPECT_TRUE(says_nothing(story, "user")) << "torch asks for the number then";
}

TEST(User, WhatIsNotCertainIsNotSaid) {
  auto story = vllm();
  story.image.user_name = Text::unknown("another service may name it");
  EXPECT_EQ(only(story, "user").severity, Severity::kUndecided);
  story = nameless(vllm());
  story.image.variables = Fact<std::map<std::string, std::string>>::unknown("not followed");
  EXPECT_EQ(only(story, "user").severity, Severity::kUndecided);
}

TEST(Writable, WhatAnEngineWritesMustBeWritable) {
  auto story = vllm();
  place(story, "VLLM_CACHE_ROOT").write_errno = EACCES;
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~writable"));
  EXPECT_EQ(only(story, "writable").summary,
            "vllm cannot use /root/.cache/vllm: Permission denied");
  story = vllm();
  place(story, "TMPDIR").write_errno = EROFS;
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~writable"));
  story = vllm();
  place(story, "TRITON_CACHE_DIR").write_errno = EACCES;
  EXPECT_THAT(verdicts(story, usual()), IsEmpty()) << "vLLM keeps Triton's cache in its own";
}

TEST(Writable, CodeIsNotLoadedFromNoexec) {
  auto story = vllm();
  place(story, "TMPDIR").noexec = true;
  EXPECT_THAT(verdicts(story, usual()), IsEmpty()) << "it is only compiled there";
  place(story, "VLLM_CACHE_ROOT").noexec = true;
  EXPECT_THAT(only(story, "writable").summary, HasSubstr("noexec"));
}

TEST(Writable, AFullDiskIsNoPlace) {
  auto story = vllm();
  place(story, "VLLM_CACHE_ROOT").free_bytes = 63ULL << 20U;
  EXPECT_THAT(only(story, "writable").summary, HasSubstr("only 63 MiB free"));
  story.node.places = Fact<std::vector<WritablePlace>>::unknown("not in the node file");
  EXPECT_EQ(only(story, "writable").severity, Severity::kUndecided);
}

Facts refused(Fact<std::string> glibc) {
  auto story = healthy();
  story.node.limits.clone3_errno = EPERM;
  story.image.glibc = std::move(glibc);
  return story;
}

TEST(Threads, ARefusedClone3BreaksGlibcFrom234On) {
  EXPECT_THAT(verdicts(refused(Text("2.34")), usual()), ElementsAre("~threads"));
  EXPECT_THAT(verdicts(refused(Text("2.31")), usual()), IsEmpty()) << "it calls clone";
  EXPECT_THAT(verdicts(refused(Text::absent("musl")), usual()), IsEmpty());
  EXPECT_EQ(only(refused(Text::unknown("?")), "threads").severity, Severity::kUndecided);
  auto story = healthy();
  story.node.limits.clone3_errno = ENOSYS;
  EXPECT_THAT(verdicts(story, usual()), IsEmpty()) << "glibc takes clone then";
}

TEST(Threads, FewerTasksThanCpusAreTooFew) {
  auto story = healthy();
  story.node.limits.tasks_left = 79U;
  EXPECT_THAT(verdicts(story, usual()), ElementsAre("~threads"));
  story.node.limits.tasks_left = 80U;
  EXPECT_THAT(verdicts(story, usual()), IsEmpty());
  story.node.limits.tasks_left = 20U;
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}) {
    auto fewer = story;
    fewer.image.variables->emplace(name, "1");
    EXPECT_THAT(verdicts(fewer, usual()), IsEmpty()) << name;
  }
  story.node.limits.cpus = Fact<std::uint64_t>();
  EXPECT_THAT(verdicts(story, usual()), IsEmpty());
}

}  // namespace
}  // namespace gpuinit::checks
