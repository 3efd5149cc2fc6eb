// How the Python probe would run the interpreter of a command.
#include "image/python/python_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/python_image.h"
#include "image/read_image.h"

namespace gpuinit::image {
namespace {

using testing::HasSubstr;

class PythonStartTest : public testing::Test {
 protected:
  void SetUp() override {
    tree_.executable("usr/bin/python3", test::python_program()).directory("srv");
    test::add_stdlib(tree_, "usr");
  }
  PythonStart start(std::vector<std::string> command = {"python3", "train.py"}) {
    auto fs = base::RootFs::open(tree_.root());
    std::optional<PythonStart> start;
    read_image({*fs, "/", std::move(command), {{"PATH", "/usr/bin"}, {"A", "b"}}, "/srv", ""},
               start);
    EXPECT_TRUE(start.has_value());
    return start.value_or(PythonStart{});
  }
  void expect_no_libpython(const std::string& why) {
    const auto libpython = start().libpython;
    ASSERT_FALSE(libpython.ok()) << *libpython;
    EXPECT_THAT(libpython.error().message, HasSubstr(why));
  }
  test::Tree tree_;
};

TEST_F(PythonStartTest, IsThatOfTheCommand) {
  const PythonStart read = start({"python3", "-I", "-S", "train.py"});
  EXPECT_EQ(read.interpreter, "/usr/bin/python3");
  EXPECT_TRUE(read.options.isolated);
  EXPECT_TRUE(read.options.no_site);
  EXPECT_EQ(read.options.program, "train.py");
  EXPECT_EQ(read.working_directory, "/srv");
  EXPECT_EQ(read.environment.at("A"), "b");
  EXPECT_EQ(read.release, "310");
}

TEST_F(PythonStartTest, HasTheEnvironmentThatEnvLeaves) {
  tree_.executable("usr/bin/env", test::ElfBuilder().interpreter(test::kGlibcLoader).build());
  const PythonStart read = start({"env", "-u", "A", "C=d", "python3"});
  EXPECT_FALSE(read.environment.contains("A"));
  EXPECT_EQ(read.environment.at("C"), "d");
}

TEST_F(PythonStartTest, LibpythonIsLookedForBelowThePrefix) {
  expect_no_libpython("there is no libpython3.10.so.1.0 below /usr");
  tree_.file("usr/lib64/libpython3.10.so.1.0");
  EXPECT_EQ(start().libpython.value_or(""), "/usr/lib64/libpython3.10.so.1.0");
  tree_.file("usr/lib/x86_64-linux-gnu/libpython3.10.so.1.0");
  EXPECT_EQ(start().libpython.value_or(""), "/usr/lib/x86_64-linux-gnu/libpython3.10.so.1.0");
  tree_.file("usr/lib/libpython3.10.so.1.0");
  EXPECT_EQ(start().libpython.value_or(""), "/usr/lib/libpython3.10.so.1.0");
}

TEST_F(PythonStartTest, OneOfAnotherPrefixOrReleaseIsNone) {
  tree_.file("opt/lib/libpython3.10.so.1.0")
      .file("usr/lib/libpython3.11.so.1.0")
      .file("usr/lib/libpython3.10.so")
      .directory("usr/lib64/libpython3.10.so.1.0");
  expect_no_libpython("there is no libpython3.10.so.1.0 below /usr");
}

TEST_F(PythonStartTest, AnInterpreterWithADtRpathHasToRunItself) {
  tree_.file("usr/lib/libpython3.10.so.1.0");
  std::string strings("3.10.4\0cpython-310\0.cpython-310-x86_64-linux-gnu.so\0", 50);
  tree_.executable("usr/bin/python3", test::ElfBuilder()
                                          .interpreter(test::kGlibcLoader)
                                          .needs("libc.so.6")
                                          .rpath("$ORIGIN/../lib")
                                          .defines("Py_BytesMain")
                                          .section(".rodata", strings)
                                          .build());
  expect_no_libpython("DT_RPATH");
}

TEST_F(PythonStartTest, OnMuslItHasToRunItself) {
  tree_.executable(
      "usr/bin/python3",
      test::python_program("3.10.4", ".cpython-310-x86_64-linux-musl.so", test::kMuslLoader));
  expect_no_libpython("not a glibc program");
}

TEST(PlainRelease, IsOfReleaseBuildsOfCpythonOnly) {
  EXPECT_EQ(plain_release("cpython-311-x86_64-linux-gnu"), "311");
  EXPECT_EQ(plain_release("cpython-38"), "38");
  for (const char* other :
       {"cpython-313t-x86_64-linux-gnu", "cpython-311d-x86_64-linux-gnu",
        "cpython-37m-x86_64-linux-gnu", "pypy310-pp73-x86_64-linux-gnu", "cpython-", ""})
    EXPECT_EQ(plain_release(other), "") << other;
}

}  // namespace
}  // namespace gpuinit::image
