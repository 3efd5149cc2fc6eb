// A false alarm is the worst bug: whatever is not known of a healthy image on a
// healthy node, alone or together with anything else, fails nothing and warns of nothing.
#include <functional>
#include <map>

#include "facts/fact_fields.h"
#include "story.h"

namespace gpuinit::checks {
namespace {

// The archive of facts/fact_fields.h that makes one fact unknown: the `target`th that it
// meets. So a new fact is forgotten here without being named.
class Forgetter {
 public:
  explicit Forgetter(std::size_t target) : target_(target) {}

  template <class T>
  void field(const char* name, T& member, const facts::Form& = {}) {
    const std::string above = std::exchange(path_, path_ + "." + name);
    visit(member);
    path_ = above;
  }
  template <class T>
  void required(const char* name, T& member, const facts::Form& form = {}) {
    field(name, member, form);
  }

  const std::string& forgotten() const { return forgotten_; }  // empty: there are fewer facts

 private:
  template <class T>
  void visit(Fact<T>& fact) {
    if (met_++ == target_) {
      fact = Fact<T>::unknown("forgotten");
      forgotten_ = path_;
    } else if (fact.known()) {
      visit(fact.value());
    }
  }
  template <class T>
  void visit(std::vector<T>& items) {
    for (T& item : items) visit(item);
  }
  template <class K, class T>
  void visit(std::map<K, T>&) {}
  template <class T>
  requires std::is_class_v<T>
  void visit(T& object) {
    if constexpr (!std::is_same_v<T, std::string>) facts::describe(*this, object);
  }
  template <class T>
  requires(!std::is_class_v<T>) void visit(T&) {}

  std::size_t target_;
  std::size_t met_ = 0;
  std::string path_;
  std::string forgotten_;
};

// What was forgotten: "node.driver.cuda_version"; empty if there is no such fact.
std::string forget(Facts& facts, std::size_t target) {
  Forgetter forgetter(target);
  forgetter.field("image", facts.image);
  forgetter.field("node", facts.node);
  return forgetter.forgotten();
}

// Less than whole without being unknown.
struct Blank {
  const char* name;
  void (*forget)(Facts&);
};
constexpr Blank kBlanks[] = {
    {"the command was not followed",
     [](Facts& f) {
       if (f.image.interpreter) f.image.interpreter->from_command = false;
     }},
    {"torch.soabis",
     [](Facts& f) {
       if (f.image.torch) f.image.torch->soabis.clear();
     }},
    {"torch.device_code is empty",
     [](Facts& f) {
       if (f.image.torch) f.image.torch->device_code = DeviceCode{};
     }},
};

void expect_silence(const Facts& story, const std::string& forgotten) {
  Policy demanding;
  demanding.python.probe = PythonProbe::kImport;
  demanding.torch.required = true;
  demanding.gpu.required = GpuRequired::kYes;
  demanding.gpu.count = "2";
  demanding.gpu.name = {"H100"};
  demanding.gpu.compute_capability = ">=9.0";
  demanding.gpu.mig = GpuMig::kNo;
  demanding.gpu.same = true;
  demanding.gpu.memory_total = 1;
  demanding.gpu.memory = 1;
  demanding.gpu.features = {"bf16", "fp8"};
  demanding.expect.python = "3.12";
  demanding.expect.torch = "2.8.*";
  demanding.expect.cuda = "12.8";
  demanding.expect.driver = ">=535.104.05";
  EXPECT_THAT(verdicts(story), testing::IsEmpty()) << forgotten;
  EXPECT_THAT(verdicts(story, demanding), testing::IsEmpty()) << forgotten;
}

void forget_one_more(const Facts& story, const std::string& forgotten, std::size_t from) {
  for (std::size_t target = from;; ++target) {
    Facts twice = story;
    const std::string second = forget(twice, target);
    if (second.empty()) return;
    expect_silence(twice, forgotten + ", " + second);
  }
}

void forget_pairs(const Facts& story) {
  expect_silence(story, "nothing");
  for (std::size_t target = 0;; ++target) {
    Facts once = story;
    const std::string first = forget(once, target);
    if (first.empty()) {
      EXPECT_GT(target, 60U) << "the walk misses most facts";
      break;
    }
    expect_silence(once, first);
    forget_one_more(once, first, target);
  }
  for (const Blank& blank : kBlanks) {
    Facts once = story;
    blank.forget(once);
    expect_silence(once, blank.name);
    forget_one_more(once, blank.name, 0);
    for (const Blank& second : kBlanks) {
      Facts twice = once;
      second.forget(twice);
      expect_silence(twice, std::string(blank.name) + ", " + second.name);
    }
  }
}

TEST(UnknownFacts, FailNothingOnAHealthyNode) { forget_pairs(healthy()); }

TEST(UnknownFacts, FailNothingOfFrameworks) {
  auto story = healthy();
  Framework program;
  program.name = "embedder";
  program.path = "/app/embedder";
  program.version = std::string("1.0");
  program.cuda = std::string("12");
  program.device_code = story.image.torch->device_code;
  program.problems.undefined_symbols = std::vector<UndefinedSymbol>{};
  program.runs = program.for_gpu = true;
  story.image.frameworks = std::vector<Framework>{program};
  forget_pairs(story);
  story.image.torch = Fact<Torch>::unknown("");
  expect_silence(story, "torch");
}

// Variables as CUDA images and schedulers set them.
TEST(UnknownFacts, FailNothingUnderTheUsualVariables) {
  auto story = healthy();
  story.node.environment = std::map<std::string, std::string>{
      {"NVIDIA_VISIBLE_DEVICES", "all"},
      {"NVIDIA_DRIVER_CAPABILITIES", "compute,utility"},
      {"CUDA_VISIBLE_DEVICES", "1,0"},
      {"NVIDIA_REQUIRE_CUDA",
       "cuda>=12.8 brand=tesla,driver>=535,driver<536 brand=nvidia,driver>=535,driver<536"},
  };
  story.node.rdma_devices = std::vector<std::string>{"/dev/infiniband/uverbs0"};
  story.node.limits = {Fact<std::uint64_t>::absent("unlimited"), true};
  forget_pairs(story);
}

TEST(UnknownFacts, FailNothingWhereTheInterpreterWasAsked) {
  auto story = healthy();
  story.image.python_probe = agreeing(*story.image.interpreter, *story.image.torch);
  forget_pairs(story);
}

TEST(UnknownFacts, FailNothingUnderMinorVersionCompatibility) {
  auto story = healthy();
  story.node = node("535.104.05", "12.2", {h100(), h100()});
  forget_pairs(story);
}

TEST(UnknownFacts, FailNothingUnderForwardCompatibility) {
  auto story = healthy();
  story.node = node("535.104.05", "12.8", {h100(), h100()});
  story.node.driver.libcuda->kind = "forward-compat";
  story.node.driver.libcuda->version = Text("570.86.10");
  story.node.driver.libcuda->compat_note = CompatNote{"12.8", {535, 550, 570}};
  forget_pairs(story);
}

}  // namespace
}  // namespace gpuinit::checks
