#include "policy/load_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/text.h"
#include "policy/toml_document.h"
#include "policy_fields.h"
#include "sources_in.h"
#include "support/tree.h"

namespace gpuinit::policy {
namespace {

using test::Tree;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const PolicySources& sources) {
  auto loaded = load_policy(sources);
  return loaded ? "" : loaded.error().message;
}

std::string origin_of(const LoadedPolicy& loaded, std::string_view key) {
  for (const auto& row : loaded.keys())
    if (row.key == key) return row.origin;
  return "no such key";
}

std::string count(std::string_view value) {
  return "version = 1\n[gpu]\ncount = \"" + std::string(value) + "\"\n";
}

TEST(LoadPolicy, WithoutAnythingIsBuiltIn) {
  const Tree tree;
  const auto loaded = load_policy(sources_in(tree));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(test::fields(loaded->policy), test::fields(test::key_table().built_in()));
  PolicySources off = sources_in(tree);
  off.off = true;
  EXPECT_EQ(print_policy(*load_policy(off)), print_policy(*loaded));
  EXPECT_EQ(loaded->keys().size(), test::keys_always_shown());
  for (const auto& row : loaded->keys()) EXPECT_EQ(row.origin, "built in");
}

TEST(LoadPolicy, LooksInEtcUnlessToldOtherwise) {
  EXPECT_EQ(PolicySources().default_file, "/etc/gpuinit/policy.toml");
  EXPECT_EQ(PolicySources().default_directory, "/etc/gpuinit/policy.d");
}

// Each layer is taken away in turn, the last first: the one below shows.
TEST(LoadPolicy, EachLayerGoesOverTheOneBefore) {
  Tree tree;
  tree.file("policy.toml", count("1")).file("policy.d/10.toml", count("2"));
  tree.file("policy.d/20.toml", "\n" + count("3"));
  PolicySources sources = sources_in(tree);
  sources.environment_set = "gpu.count=4;gpu.count=5";
  sources.set_options = {"gpu.count=6", "gpu.count=7"};
  const auto expect = [&](const std::string& value, const std::string& origin) {
    const auto loaded = load_policy(sources);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->policy.gpu.count, value);
    EXPECT_EQ(origin_of(*loaded, "gpu.count"), origin);
  };
  expect("7", "--set");
  sources.set_options.clear();
  expect("5", "GPUINIT_SET");
  sources.environment_set.clear();
  expect("3", tree.at("policy.d/20.toml").string() + ":4");
  std::filesystem::remove(tree.at("policy.d/20.toml"));
  expect("2", tree.at("policy.d/10.toml").string() + ":3");
  std::filesystem::remove_all(tree.at("policy.d"));
  expect("1", tree.at("policy.toml").string() + ":3");
  std::filesystem::remove(tree.at("policy.toml"));
  expect(">=1", "built in");
}

TEST(LoadPolicy, ANamedFileStandsAlone) {
  Tree tree;
  tree.file("policy.toml", count("1")).file("policy.d/10.toml", count("2"));
  tree.file("own.toml", "version = 1\n[torch]\nrequired = true\n");
  PolicySources sources = sources_in(tree);
  sources.files = {tree.at("own.toml")};
  sources.files_named_by = "--policy";
  sources.environment_set = "probe.timeout=5";
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.count, ">=1");
  EXPECT_TRUE(loaded->policy.torch.required);
  EXPECT_EQ(loaded->policy.probe.timeout.count(), 5000);
  EXPECT_EQ(origin_of(*loaded, "torch.required"), sources.files[0] + ":3");
}

TEST(LoadPolicy, NamedFilesLieOverEachOtherInPlaceOfTheDefaultOnes) {
  Tree tree;
  tree.file("policy.toml", count("1"));
  tree.file("a.toml", count("2") + "memory = \"1GiB\"\n").file("b.toml", count("3"));
  PolicySources sources = sources_in(tree);
  sources.files = {tree.at("a.toml"), tree.at("b.toml")};
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.count, "3");
  EXPECT_EQ(loaded->policy.gpu.memory, std::uint64_t{1} << 30);
  std::swap(sources.files[0], sources.files[1]);
  EXPECT_EQ(load_policy(sources)->policy.gpu.count, "2");
}

TEST(LoadPolicy, ABuiltinPolicyIsNamedAsAFileIs) {
  Tree tree;
  tree.file("policy.toml", count("1")).file("own.toml", count("3"));
  PolicySources sources = sources_in(tree);
  sources.files = {"builtin:build", tree.at("own.toml")};
  sources.files_named_by = "--policy";
  const auto loaded = load_policy(sources);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.required, GpuRequired::kNo);
  EXPECT_EQ(loaded->policy.gpu.count, "3");
  EXPECT_THAT(origin_of(*loaded, "gpu.required"), StartsWith("builtin:build:"));
  sources.files = {"builtin:default"};
  EXPECT_EQ(load_policy(sources)->policy.gpu.count, ">=1");
  sources.files = {"builtin:biuld"};
  EXPECT_EQ(
      error_of(sources),
      "--policy builtin:biuld: builtin:NAME has the names default, build, permissive, strict, "
      "supervise");
}

TEST(LoadPolicy, ARelativeNameCountsFromTheWorkingDirectory) {
  Tree tree;
  tree.file("own.toml", count("3"));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(tree.root());
  PolicySources sources = sources_in(tree);
  sources.files = {"own.toml"};
  sources.files_named_by = "--policy";
  const auto loaded = load_policy(sources);
  std::filesystem::current_path(before);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.count, "3");
  EXPECT_EQ(origin_of(*loaded, "gpu.count"), "own.toml:3");
}

TEST(LoadPolicy, ANamedFileMustBeThereAndAFile) {
  Tree tree;
  tree.directory("directory");
  ASSERT_EQ(::mkfifo(tree.at("fifo").c_str(), 0600), 0);  // would hang a plain open
  const auto error = [&](const std::string& file) {
    PolicySources sources;
    sources.files = {file};
    sources.files_named_by = "GPUINIT_POLICY";
    return error_of(sources);
  };
  EXPECT_THAT(error(tree.at("none.toml")), StartsWith("GPUINIT_POLICY: policy file /"));
  EXPECT_THAT(error(tree.at("none.toml")), EndsWith("none.toml: No such file or directory"));
  EXPECT_THAT(error(tree.at("directory")), EndsWith("Is a directory"));
  EXPECT_THAT(error(tree.at("fifo")), EndsWith("not a regular file"));
  EXPECT_THAT(error("/dev/zero"), EndsWith("not a regular file"));
  EXPECT_THAT(error(std::string("/a\0b", 4)), HasSubstr("/a\\x00b: Invalid argument"));
}

TEST(LoadPolicy, AHugeFileIsRefusedUnread) {
  Tree tree;
  tree.file("policy.toml");
  std::filesystem::resize_file(tree.at("policy.toml"), std::uintmax_t{1} << 40U);
  EXPECT_THAT(error_of(sources_in(tree)), HasSubstr("1099511627776 bytes, more than the 262144"));
}

TEST(LoadPolicy, ADefaultFileThatIsThereMustBeReadable) {
  Tree directory;
  directory.directory("policy.toml");
  EXPECT_THAT(error_of(sources_in(directory)), EndsWith("policy.toml: Is a directory"));

  Tree dangling;
  dangling.link("policy.toml", "..data/policy.toml");
  EXPECT_THAT(error_of(sources_in(dangling)), EndsWith("policy.toml: No such file or directory"));

  Tree loop;
  loop.link("policy.toml", "policy.toml");
  EXPECT_NE(error_of(sources_in(loop)), "");

  Tree parent;
  parent.link("etc", "gone");
  PolicySources sources = sources_in(parent);
  sources.default_file = parent.at("etc/policy.toml");
  EXPECT_NE(error_of(sources), "");
}

TEST(LoadPolicy, ADefaultDirectoryThatIsThereMustBeReadable) {
  Tree file;
  file.file("policy.d");
  EXPECT_THAT(error_of(sources_in(file)), StartsWith("policy directory /"));

  Tree dangling;
  dangling.link("policy.d", "gone");
  EXPECT_NE(error_of(sources_in(dangling)), "");

  Tree entry;
  entry.directory("policy.d/10.toml");
  EXPECT_THAT(error_of(sources_in(entry)), EndsWith("10.toml: Is a directory"));

  Tree broken;
  broken.link("policy.d/10.toml", "gone");
  EXPECT_NE(error_of(sources_in(broken)), "");
}

TEST(LoadPolicy, MissingParentsThatAreLinkedElsewhereAreJustAbsent) {
  Tree tree;
  tree.directory("usr/etc").link("etc", "usr/etc");
  PolicySources sources;
  sources.checks = checks::catalogue;
  sources.default_file = tree.at("etc/gpuinit/policy.toml");
  sources.default_directory = tree.at("etc/gpuinit/policy.d");
  EXPECT_EQ(error_of(sources), "");
}

TEST(LoadPolicy, TheDirectoryIsReadInByteOrder) {
  Tree tree;
  tree.file("policy.d/9.toml", count("9")).file("policy.d/10.toml", count("10"));
  tree.file("policy.d/Z.toml", count("Z1")).file("policy.d/a.toml", count("a1"));
  const auto loaded = load_policy(sources_in(tree));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.count, "a1");
}

TEST(LoadPolicy, OnlyVisibleTomlFilesOfTheDirectoryCount) {
  Tree tree;
  tree.file("policy.d/.#10.toml", "rubbish").file("policy.d/README", "rubbish");
  tree.file("policy.d/10.toml.bak", "rubbish").directory("policy.d/..data");
  EXPECT_EQ(error_of(sources_in(tree)), "");
}

// As the kubelet mounts a ConfigMap.
TEST(LoadPolicy, FollowsTheLinksOfAConfigMap) {
  Tree tree;
  tree.file("policy.d/..2026/10.toml", count("8")).link("policy.d/..data", "..2026");
  tree.link("policy.d/10.toml", "..data/10.toml");
  const auto loaded = load_policy(sources_in(tree));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.count, "8");
}

TEST(LoadPolicy, EveryFileMustSayItsVersion) {
  Tree tree;
  tree.file("policy.toml", count("1")).file("policy.d/10.toml", "[gpu]\ncount = \"2\"\n");
  EXPECT_EQ(error_of(sources_in(tree)), tree.at("policy.d/10.toml").string() +
                                            ":1:1: `version = 1` is missing; it stands above the "
                                            "first [table]");
}

TEST(LoadPolicy, EveryFilesOwnRequiresMustBeMet) {
  Tree tree;
  tree.file("policy.toml", "requires = \">=0.0.1\"\n" + count("1"));
  tree.file("policy.d/10.toml", "requires = \">=99\"\n" + count("2"));
  tree.file("policy.d/20.toml", "requires = \"<99\"\n" + count("3"));
  EXPECT_THAT(error_of(sources_in(tree)), HasSubstr("10.toml:1:12: `requires`: this file needs"));
  EXPECT_THAT(error_of(sources_in(tree)), testing::Not(HasSubstr("20.toml")));

  PolicySources off = sources_in(tree);
  off.off = true;
  const auto loaded = load_policy(off);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->policy.gpu.count, "3");
  ASSERT_EQ(loaded->left_out.size(), 1U);
  EXPECT_THAT(loaded->left_out[0], HasSubstr("10.toml:1:12: `requires`"));
  EXPECT_THAT(print_policy(*loaded), testing::Not(HasSubstr("requires")));
}

TEST(LoadPolicy, ALockedFileWhoseRequiresIsNotMetStopsTheStart) {
  Tree tree;
  tree.file("policy.toml", "requires = \">=99\"\nlocked = true\n" + count("1"));
  PolicySources off = sources_in(tree);
  off.off = true;
  EXPECT_THAT(error_of(off), HasSubstr("needs gpuinit >=99"));
}

TEST(LoadPolicy, ErrorsNameTheLayer) {
  const Tree tree;
  PolicySources sources = sources_in(tree);
  sources.environment_set = "gpu.count=4; gpu.cuont=3";
  EXPECT_EQ(error_of(sources),
            "GPUINIT_SET 'gpu.cuont=3': unknown key `gpu.cuont`; did you mean `gpu.count`?");
  sources.environment_set.clear();
  sources.set_options = {"gpu.cuont=3"};
  EXPECT_THAT(error_of(sources), StartsWith("--set 'gpu.cuont=3': "));
}

TEST(LoadPolicy, AllLayersTellWhatIsWrongWithThem) {
  Tree tree;
  tree.file("policy.toml", "version = 1\nx = 1\n").file("policy.d/10.toml", "version = 1\ny: 1\n");
  tree.directory("policy.d/20.toml");
  PolicySources sources = sources_in(tree);
  sources.environment_set = "z=1; gpu.count=2";
  sources.set_options = {"w=1"};
  const std::string error = error_of(sources);
  const auto lines = base::split_lines(error);
  ASSERT_EQ(lines.size(), 5U) << error;
  EXPECT_THAT(lines[0], HasSubstr("policy.toml:2:1: unknown key `x`"));
  EXPECT_THAT(lines[1], HasSubstr("policy.d/10.toml:2:2: a `=` stands"));
  EXPECT_THAT(lines[2], EndsWith("policy.d/20.toml: Is a directory"));
  EXPECT_THAT(lines[3], StartsWith("GPUINIT_SET 'z=1': unknown key"));
  EXPECT_THAT(lines[4], StartsWith("--set 'w=1': unknown key"));
}

TEST(LoadPolicy, TwentyProblemsAreToldAndTheRestCounted) {
  Tree tree;
  std::string file = "version = 1\n";
  for (int i = 0; i < 15; ++i) file += "x" + std::to_string(i) + " = 1\n";
  tree.file("policy.toml", file).file("policy.d/1.toml", file);
  const std::string error = error_of(sources_in(tree));
  const auto lines = base::split_lines(error);
  ASSERT_EQ(lines.size(), 21U);
  EXPECT_THAT(lines[19], HasSubstr("1.toml:6:1: unknown key `x4`"));
  EXPECT_EQ(lines[20], "and 10 more problems");
}

TEST(LoadPolicy, RangesAreHandedToTheOneWhoKnowsThem) {
  Tree tree;
  tree.file("policy.toml", "version = 1\n[expect]\npython = \"three\"\n");
  PolicySources sources = sources_in(tree);
  std::vector<std::string> asked;
  sources.problems.version_range = [&](const std::string& range) {
    asked.push_back(range);
    return range == "three" ? "`three` is no version" : "";
  };
  EXPECT_EQ(error_of(sources),
            tree.at("policy.toml").string() +
                ":3:10: `expect.python`: expected a version range as text, such as "
                "\">=3.10,<3.13\", \"2.8.*\" or \"\", found the string \"three\" (`three` is no "
                "version)");
  EXPECT_EQ(asked, std::vector<std::string>{"three"});
}

TEST(LoadPolicy, DirectoriesOfAbsurdSizeAreRefused) {
  Tree tree;
  for (int i = 0; i <= 1000; ++i)
    tree.file("policy.d/" + std::to_string(i) + ".toml", "version = 1\n");
  EXPECT_THAT(error_of(sources_in(tree)), HasSubstr("more than 1000 files"));
}

}  // namespace
}  // namespace gpuinit::policy
