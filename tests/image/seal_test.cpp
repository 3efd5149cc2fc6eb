// A sealed image: what breaks its seal, what does not, and that the facts are those that would be
// read. tests/program/seal_edits.py does the same to real images at random.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "image/python_image.h"
#include "image/read_image.h"
#include "image/seal/sealed_image.h"
#include "image/seal/witnesses.h"

namespace gpuinit::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

constexpr const char* kSite = "usr/lib/python3.10/site-packages";

class SealTest : public testing::Test {
 protected:
  SealTest() {
    tree_.executable("usr/bin/python3.10", test::python_program())
        .link("usr/bin/python3", "python3.10")
        .executable("usr/bin/env", test::ElfBuilder().interpreter(test::kGlibcLoader).build())
        .file("lib64/ld-linux-x86-64.so.2", test::library("ld-linux-x86-64.so.2"))
        .file("lib64/libc.so.6", test::library("libc.so.6"))
        .file(std::string(kSite) + "/a-1.0.dist-info/METADATA", "Name: a\nVersion: 1.0\n")
        .file("app/train.py", "import a\n")
        .directory("srv");
    test::add_stdlib(tree_, "usr");
    age(tree_.root(), -100);
  }

  // Everything below, so that what a test does later has another time.
  static void age(const std::string& root, std::time_t seconds) {
    namespace files = std::filesystem;
    std::vector<files::path> all{root};
    for (const auto& entry : files::recursive_directory_iterator(root)) all.push_back(entry.path());
    for (const auto& path : all) {
      struct stat status {};
      ::lstat(path.c_str(), &status);
      const timespec time{status.st_mtime + seconds, 0};
      const timespec times[2] = {time, time};
      ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
    }
  }

  ImageQuery query(const base::RootFs& fs, Words command, FoundSeal* seal = nullptr) {
    environment_.insert({{"PATH", "/usr/bin"}, {"HOME", "/root"}});
    return {fs, "/x", std::move(command), environment_, "/srv", "", {}, uid_, seal, {}};
  }

  void seal(Words command = {"python3", "/app/train.py"}) {
    auto fs = base::RootFs::open(tree_.root());
    auto made = make_seal(*fs, query(*fs, std::move(command)));
    ASSERT_TRUE(made.ok()) << made.error().message;
    seal_ = std::move(made).value();
    modified_ = seal_.sealed_at;
  }

  // The facts with the seal; they must be those without it.
  ImageFacts read(Words command = {"python3", "/app/train.py"}) {
    auto fs = base::RootFs::open(tree_.root());
    FoundSeal found{"/etc/gpuinit/seal", modified_, seal_};
    ImageFacts sealed = read_image(query(*fs, command, &found));
    ImageFacts full = read_image(query(*fs, command));
    full.seal = sealed.seal;
    EXPECT_TRUE(sealed == full);
    return sealed;
  }
  Words changes(Words command = {"python3", "/app/train.py"}) {
    return read(std::move(command)).seal->changes;
  }
  std::string unused(Words command) {
    const ImageFacts facts = read(std::move(command));
    EXPECT_THAT(facts.seal->changes, IsEmpty());
    return facts.seal->unused_because;
  }

  test::Tree tree_;
  Seal seal_;
  std::int64_t modified_ = 0;
  base::Environment environment_;
  std::optional<unsigned> uid_;
};

TEST_F(SealTest, HoldsForEveryCommandOfTheInterpreter) {
  seal();
  for (const Words& command :
       {Words{"python3", "/app/train.py", "--lr", "1"}, Words{"python3.10", "-c", "1"},
        Words{"/usr/bin/python3", "-m", "a"}, Words{"env", "X=1", "python3"}, Words{}})
    EXPECT_EQ(unused(command), "");
}

TEST_F(SealTest, FrameworksAreTheSealsAndTheProgramIsReadAnew) {
  const std::string plugin = std::string(kSite) + "/jax_plugins/xla_cuda12/xla_cuda_plugin.so";
  tree_
      .file(std::string(kSite) + "/jax_cuda12_pjrt-0.8.0.dist-info/METADATA",
            "Name: jax-cuda12-pjrt\nVersion: 0.8.0\n")
      .file(plugin, test::library("x"))
      .executable("app/server", test::ElfBuilder()
                                    .interpreter(test::kGlibcLoader)
                                    .needs({"libc.so.6", "libcudart.so.12"})
                                    .build());
  age(tree_.root(), -100);
  seal();
  EXPECT_THAT(changes(), IsEmpty());
  EXPECT_EQ(read().frameworks->size(), 1U);
  EXPECT_EQ(read({"/app/server"}).frameworks->size(), 2U);
  tree_.file(plugin, test::library("longer"));
  EXPECT_THAT(changes(), testing::Not(IsEmpty()));
}

TEST_F(SealTest, IsNotOfAnotherStart) {
  seal();
  EXPECT_EQ(unused({"python3", "-s", "/app/train.py"}), "Python gets other options");
  EXPECT_EQ(unused({"env", "PYTHONPATH=/app", "python3"}), "PYTHONPATH has another value");
  EXPECT_EQ(unused({"env", "LD_PRELOAD=", "python3"}), "LD_PRELOAD has another value");
  EXPECT_EQ(unused({"env", "HOME=/nowhere", "python3"}), "") << "neither has packages";
  tree_.file("app/.local/lib/python3.10/site-packages/x.py");
  EXPECT_EQ(unused({"env", "HOME=/app", "python3"}), "the user has another home directory");
  tree_.executable("opt/python3", test::python_program());
  EXPECT_EQ(unused({"/opt/python3"}), "/opt/python3 is another interpreter");
}

// The command's own directory is looked at in every start.
TEST_F(SealTest, TheFirstEntryOfSysPathIsRead) {
  seal();
  tree_.file("other/train.py").file("srv/unrelated.py");
  EXPECT_EQ(unused({"python3", "/other/train.py"}), "");
  EXPECT_EQ(read({"python3", "/other/train.py"}).interpreter->sys_path->front(), "/other");
  for (const char* name : {"torch.py", "torch/x", "nvidia/x", "b-1.0.dist-info/METADATA"}) {
    const std::string own = std::string("own-") + name;
    tree_.file(own + "/train.py").file(own + "/" + name, "Name: b\nVersion: 1.0\n");
    EXPECT_THAT(unused({"python3", "/" + own + "/train.py"}),
                HasSubstr("own entry of sys.path, has packages"));
  }
}

TEST_F(SealTest, IsNotMadeWhereTheCommandBringsPackages) {
  tree_.file("app/torch.py");
  auto fs = base::RootFs::open(tree_.root());
  EXPECT_THAT(make_seal(*fs, query(*fs, {"python3", "/app/train.py"})).error().message,
              HasSubstr("/app, the command's own entry of sys.path, has packages"));
}

TEST_F(SealTest, TellsWhatChanged) {
  seal();
  const std::string metadata = std::string(kSite) + "/a-1.0.dist-info/METADATA";
  tree_.file(metadata, "Name: a\nVersion: 1.00\n");
  EXPECT_THAT(changes(), ElementsAre("/" + metadata + " has another size"));
  tree_.file(metadata, "Name: a\nVersion: 2.0\n");
  EXPECT_THAT(changes(), ElementsAre("/" + metadata + " has another time"));
  ::chmod(tree_.at(metadata).c_str(), 0600);
  EXPECT_THAT(changes(), ElementsAre("/" + metadata + " has other permissions"));
  std::filesystem::remove(tree_.at(metadata));
  EXPECT_THAT(changes(), ElementsAre("/" + metadata + " is gone"));
}

TEST_F(SealTest, SeesWhatComesAndGoes) {
  seal();
  tree_.file(std::string(kSite) + "/b-1.0.dist-info/METADATA", "Name: b\nVersion: 1.0\n");
  EXPECT_THAT(changes(), ElementsAre(HasSubstr("something came or went")));
}

TEST_F(SealTest, SeesALinkThatLeadsElsewhere) {
  seal({"python3"});
  tree_.executable("usr/bin/python3.9", test::python_program());
  std::filesystem::remove(tree_.at("usr/bin/python3"));
  tree_.link("usr/bin/python3", "python3.9");
  EXPECT_THAT(changes(), ElementsAre("/usr/bin/python3 leads elsewhere"));
}

// A directory of LD_LIBRARY_PATH that the node mounts is no change; a library in it that wins is.
TEST_F(SealTest, KnowsEachNameThatWasNotThere) {
  environment_["LD_LIBRARY_PATH"] = "/usr/local/nvidia/lib64";
  seal();
  tree_.file("usr/local/nvidia/lib64/libcuda.so.1", test::library("libcuda.so.1"));
  EXPECT_THAT(changes(), IsEmpty());
  tree_.file("usr/local/nvidia/lib64/libc.so.6", test::library("libc.so.6"));
  EXPECT_THAT(changes(), ElementsAre("/usr/local/nvidia/lib64/libc.so.6 was not there"));
}

// An image may have more directories than a process may have open files.
TEST_F(SealTest, HasWitnessesInAnyNumberOfDirectories) {
  base::ReadLog log;
  for (int i = 0; i < 200; ++i) {
    const std::string path = "many/" + std::to_string(i) + "/file";
    tree_.file(path);
    log.paths.insert("/" + path);
  }
  auto fs = base::RootFs::open(tree_.root());
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{100, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  const auto witnesses = make_witnesses(*fs, log);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_EQ(witnesses.size(), 200U);
  for (const WitnessDirectory& directory : witnesses)
    EXPECT_TRUE(has_something(directory)) << directory.path;
}

// docker build with SOURCE_DATE_EPOCH and rewrite-timestamp cuts all times, the seal's too.
TEST_F(SealTest, HoldsWhereAllTimesAreCut) {
  seal();
  age(tree_.root(), -50);
  EXPECT_FALSE(changes().empty());
  namespace files = std::filesystem;
  const std::int64_t epoch = seal_.sealed_at - 1000;
  for (const auto& entry : files::recursive_directory_iterator(tree_.root())) {
    const timespec times[2] = {{epoch, 0}, {epoch, 0}};
    ::utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW);
  }
  EXPECT_FALSE(changes().empty()) << "the seal itself is not cut";
  modified_ = epoch;
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(SealTest, WhatNotEverybodyMayReadHoldsForOneUser) {
  ::chmod(tree_.at("usr/lib/python3.10/site.py").c_str(), 0600);
  seal();
  EXPECT_FALSE(seal_.readable_by_all);
  EXPECT_THAT(changes(), IsEmpty());
  uid_ = 1234;
  EXPECT_THAT(unused({"python3", "/app/train.py"}), HasSubstr("not everybody may read"));
}

TEST_F(SealTest, OfAnotherGpuinitIsSaidSo) {
  auto fs = base::RootFs::open(tree_.root());
  FoundSeal found{"/etc/gpuinit/seal", 0, Error{"it is of another gpuinit"}};
  const ImageFacts facts = read_image(query(*fs, {"python3"}, &found));
  EXPECT_THAT(facts.seal->changes, ElementsAre("/etc/gpuinit/seal: it is of another gpuinit"));
  EXPECT_TRUE(facts.interpreter.known());
}

TEST_F(SealTest, GivesTheFactsWithoutTheImage) {
  seal();
  auto fs = base::RootFs::open(tree_.root());
  ImageFacts full = read_image(query(*fs, {"python3", "/app/train.py"}));
  ImageFacts sealed = sealed_facts(seal_);
  sealed.seal = full.seal;
  EXPECT_TRUE(sealed == full);
}

}  // namespace
}  // namespace gpuinit::image
