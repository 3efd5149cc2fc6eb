// Every read of an image in turn fails with every error of storage: what could not be read is never
// called missing or damaged, and never passed over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <set>

#include "base/json.h"
#include "program/gpuinit_program.h"
#include "support/pytorch_image.h"

// LeakSanitizer does not work under ptrace.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#include "support/failing_reads.h"

namespace gpuinit::test {
namespace {

constexpr std::array kErrors{EIO,     ESTALE,    ETIMEDOUT, ENOTCONN, ECONNREFUSED,
                             EUCLEAN, EREMOTEIO, EMFILE,    ENOMEM};

// With a bit of everything that is read: RECORDs, .pth, an extension, a venv.
void write_image(Tree& tree) {
  PyTorchImage image;
  image.ptx = {"120"};
  image.write_to(tree);
  const std::string site = image.site_packages();
  tree.file(site + "/torch-2.8.0+cu128.dist-info/RECORD",
            "torch/__init__.py,,\ntorch/lib/libc10.so,,\ntorch/lib/libtorch_cuda.so,,\n");
  tree.file(site + "/vision-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: vision\nVersion: 1.0\nRequires-Dist: torch==2.8.0\n\n");
  tree.file(site + "/vision-1.0.dist-info/RECORD", "vision/_C.so,,\nvision/__init__.py,,\n");
  tree.file(site + "/vision/_C.so", ElfBuilder().needs("libtorch.so").build());
  tree.file(site + "/more.pth", "/opt/more\n").directory("opt/more");
  tree.file("opt/venv/pyvenv.cfg", "home = /usr/local/bin\ninclude-system-site-packages = true\n");
  tree.link("opt/venv/bin/python", "/usr/local/bin/python3");
  tree.directory("opt/venv/lib/python3.12/site-packages");
  tree.file("train.py", "import torch\n");
}

struct Tally {
  std::size_t runs = 0, healthy = 0, undecided = 0, not_ready = 0;
};

class ReadErrors : public testing::Test {
 protected:
  void SetUp() override {
    write_image(tree_);
    node_.file("node.json", kH100Node);
    healthy_ = program_.run({});
    ASSERT_EQ(healthy_.exit_code, 0) << healthy_.out;
    ASSERT_GT(healthy_.read.size(), 200U);
  }

  static std::string findings_of(const std::string& out) {
    const auto json = base::parse_json(out);
    const base::Json* findings = json ? json->find("findings") : nullptr;
    return findings == nullptr ? "none" : base::print_json(*findings);
  }

  void look_at(const FailingRead& failing) {
    const RanFailing ran = program_.run(failing);
    ++tally_.runs;
    if (failing.index >= ran.read.size()) return;  // this time it had one read less
    const std::string& path = ran.read[failing.index];
    const std::string what = path + " (" + std::to_string(failing.index) +
                             "): " + std::strerror(failing.error) +
                             (failing.persistent ? ", from there on" : ", once");
    // 64: the root itself could not be opened.
    ASSERT_THAT(ran.exit_code, testing::AnyOf(0, 75)) << what;
    if (ran.exit_code == 0 && findings_of(ran.out) == findings_of(healthy_.out)) {
      EXPECT_FALSE(failing.persistent) << what << " was passed over";
      ++tally_.healthy;
      return;
    }
    // The command itself cannot be read: a launch would say no more.
    if (ran.exit_code == 75 && findings_of(ran.out) == "none") {
      EXPECT_THAT(ran.out, testing::HasSubstr(std::strerror(failing.error))) << what;
      ++tally_.not_ready;
      return;
    }
    EXPECT_TRUE(ran.out.find("could not be read") != std::string::npos)
        << what << findings_of(ran.out);
    std::string name = path.substr(path.rfind('/') + 1);
    if (name.starts_with("python3")) name = "python";  // by which link is another matter
    EXPECT_TRUE(ran.out.find(name) != std::string::npos) << what << findings_of(ran.out);
    (ran.exit_code == 0 ? tally_.undecided : tally_.not_ready) += 1;
  }

  Tree tree_;
  Tree node_;
  FailingProgram program_{
      {GPUINIT_BINARY, "--check", "--root", tree_.root(), "--node", node_.at("node.json"),
       "--format", "json", "--", "/opt/venv/bin/python", "/train.py"},
      tree_.root()};
  RanFailing healthy_;
  Tally tally_;
};

// GPUINIT_READ_ERRORS=all: every error at every read, some 15 minutes. Otherwise every read once,
// the errors in turn.
TEST_F(ReadErrors, AreNeverTakenForWhatIsMissingOrWell) {
  const char* const wanted = std::getenv("GPUINIT_READ_ERRORS");
  const bool all = wanted != nullptr && std::string(wanted) == "all";
  for (std::size_t index = 0; index < healthy_.read.size(); ++index)
    for (std::size_t i = 0; i < kErrors.size(); ++i)
      for (const bool persistent : {false, true})
        if (all || (index % kErrors.size() == i && persistent == (index / kErrors.size() % 2 == 0)))
          look_at({index, kErrors[i], persistent});
  std::printf("%zu reads, %zu runs: %zu as healthy, %zu undecided, %zu not ready\n",
              healthy_.read.size(), tally_.runs, tally_.healthy, tally_.undecided,
              tally_.not_ready);
  EXPECT_GT(tally_.not_ready, 0U);
  EXPECT_GT(tally_.undecided, 0U);
}

// It would say for good what was so for a moment.
TEST_F(ReadErrors, AreNotSealed) {
  const std::string seal = node_.at("seal");
  FailingProgram program({GPUINIT_BINARY, "--seal", seal, "--root", tree_.root(), "--no-run", "--",
                          "/opt/venv/bin/python", "/train.py"},
                         tree_.root());
  const RanFailing sealed = program.run({});
  ASSERT_EQ(sealed.exit_code, 0) << sealed.out;
  ASSERT_EQ(::unlink(seal.c_str()), 0);
  const auto failing = std::ranges::find_if(
      sealed.read, [](const std::string& path) { return path.ends_with("/METADATA"); });
  ASSERT_NE(failing, sealed.read.end());
  const RanFailing ran =
      program.run({static_cast<std::size_t>(failing - sealed.read.begin()), EIO, true});
  EXPECT_EQ(ran.exit_code, 75) << ran.out;
  EXPECT_THAT(ran.out, testing::HasSubstr("METADATA: Input/output error"));
  EXPECT_NE(::access(seal.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace gpuinit::test
#endif
