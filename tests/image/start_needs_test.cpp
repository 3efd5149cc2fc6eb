#include "image/start/start_needs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/elf_builder.h"
#include "support/tree.h"

namespace gpuinit::image {
namespace {

using Variables = std::map<std::string, std::string>;

class StartNeeds : public testing::Test {
 protected:
  StartNeeds() {
    tree_.executable("usr/bin/serve", test::ElfBuilder().needs("libc.so.6").build());
    tree_.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:0::/home/app:/bin/sh\n");
  }

  ImageFacts read(const std::vector<std::string>& command, const base::Environment& more = {},
                  std::optional<unsigned> uid = 1000) {
    base::Environment environment{{"PATH", "/usr/bin"}, {"HOME", "/home/app"}, {"TOKEN", "secret"}};
    for (const auto& [name, value] : more) environment[name] = value;
    const auto fs = base::RootFs::open(tree_.root());
    ImageQuery query{*fs, "/", command, environment, "/", ""};
    query.uid = uid;
    const Start start = follow_command({*fs, command, query.environment, "/", "", uid});
    ImageFacts facts;
    facts.program = start.program;
    read_user(query, start, facts);
    return facts;
  }
  Fact<std::string> name_of(unsigned uid, const base::Environment& more = {}) {
    return read({"serve"}, more, uid).user_name;
  }

  ImageFacts tools(const base::Environment& environment) {
    ImageFacts facts;
    facts.torch = Torch{};
    Interpreter python;
    python.version = std::string("3.13.1");
    python.soabi = std::string("cpython-313t-x86_64-linux-gnu");
    python.base_prefix = std::string("/usr/local");
    facts.interpreter = python;
    PythonStart start;
    start.environment = environment;
    start.working_directory = "/";
    read_toolchain(*base::RootFs::open(tree_.root()), start, facts);
    return facts;
  }

  test::Tree tree_;
};

TEST_F(StartNeeds, OfTheVariablesOnlyThoseThatAreHeededAreKept) {
  EXPECT_EQ(*read({"serve"}, {{"USER", ""}}).variables,
            (Variables{{"HOME", "/home/app"}, {"USER", ""}}));
  EXPECT_EQ(read({"env", "HOME=/tmp", "serve"}).variables.known(), false) << "env is not there";
  tree_.executable("usr/bin/env", test::ElfBuilder().needs("libc.so.6").build());
  EXPECT_EQ(read({"env", "HOME=/tmp", "serve"}).variables->at("HOME"), "/tmp");
}

TEST_F(StartNeeds, ACommandThatIsNotFollowedLeavesThemUnknown) {
  const auto facts = read({"nowhere"});
  EXPECT_TRUE(facts.variables.is_unknown());
  EXPECT_TRUE(facts.user_name.is_unknown());
}

TEST_F(StartNeeds, TheUserIsWhoeverTheCommandBecomes) {
  EXPECT_EQ(name_of(1000), Fact<std::string>("app"));
  EXPECT_TRUE(name_of(12345).is_absent());
  EXPECT_TRUE(read({"serve"}, {}, std::nullopt).user_name.is_unknown());
  tree_.executable("usr/bin/gosu", test::ElfBuilder().needs("libc.so.6").build());
  EXPECT_EQ(read({"gosu", "app", "serve"}, {}, 0).uid, Fact<std::uint64_t>(1000U));
}

TEST_F(StartNeeds, AnotherServiceMayKnowTheName) {
  tree_.file("etc/nsswitch.conf", "hosts: dns\npasswd: files systemd sss # local\n");
  EXPECT_TRUE(name_of(12345).is_absent()) << "neither service runs";
  tree_.file("etc/nsswitch.conf", "passwd: files [NOTFOUND=continue] ldap\n");
  EXPECT_TRUE(name_of(12345).is_unknown());
  EXPECT_TRUE(name_of(1000).known());
  tree_.file("etc/nsswitch.conf", "passwd: files\n");
  EXPECT_TRUE(name_of(12345).is_absent());
  EXPECT_TRUE(name_of(12345, {{"LD_PRELOAD", "/usr/lib/libnss_wrapper.so"}}).is_unknown());
  tree_.directory("run/systemd/userdb");
  EXPECT_TRUE(name_of(12345).is_unknown());
}

TEST_F(StartNeeds, TheCompilerIsCcOrGccOrClang) {
  const base::Environment path{{"PATH", "/opt/bin:/usr/bin"}};
  EXPECT_TRUE(tools(path).compiler.is_absent());
  tree_.executable("usr/bin/cc", "");
  EXPECT_TRUE(tools(path).compiler.is_absent()) << "Triton does not try cc";
  tree_.executable("opt/bin/clang", "");
  EXPECT_EQ(tools(path).compiler, Fact<std::string>("/opt/bin/clang"));
  tree_.executable("usr/bin/gcc", "");
  EXPECT_EQ(tools(path).compiler, Fact<std::string>("/usr/bin/gcc"));
  EXPECT_TRUE(tools({{"PATH", "/usr/bin"}, {"CC", "/nowhere/cc"}}).compiler.is_absent());
  EXPECT_EQ(tools({{"PATH", "/usr/bin"}, {"CC", "cc"}}).compiler, Fact<std::string>("/usr/bin/cc"));
}

TEST_F(StartNeeds, TheHeaderIsThatOfTheInterpreter) {
  EXPECT_TRUE(tools({}).python_header.is_absent());
  tree_.file("usr/local/include/python3.13t/Python.h", "");
  EXPECT_EQ(tools({}).python_header, Fact<std::string>("/usr/local/include/python3.13t/Python.h"));
}

TEST_F(StartNeeds, WithoutTorchNobodyLooks) {
  ImageFacts facts;
  facts.torch = Fact<Torch>::absent("none");
  read_toolchain(*base::RootFs::open(tree_.root()), {}, facts);
  EXPECT_TRUE(facts.compiler.is_unknown());
}

}  // namespace
}  // namespace gpuinit::image
