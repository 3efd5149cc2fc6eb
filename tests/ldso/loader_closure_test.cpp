#include "ldso/loader_closure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "ldso/loader_image.h"
#include "ldso/loader_rules.h"
#include "support/ld_so_cache_builder.h"

namespace gpuinit::ldso {
namespace {

using test::ElfBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> paths(const LoaderClosure& closure) {
  std::vector<std::string> result;
  for (const LoadedObject& object : closure.objects()) result.push_back(object.path);
  return result;
}

std::vector<std::string> paths(const LoaderClosure& closure, const std::vector<std::size_t>& some) {
  std::vector<std::string> result;
  for (const std::size_t object : some) result.push_back(closure.objects()[object].path);
  return result;
}

const LoadedObject& object(const LoaderClosure& closure, const std::string& name) {
  const std::size_t at = closure.answering_to(name);
  EXPECT_NE(at, LoaderClosure::kMissing) << name;
  return closure.objects()[at == LoaderClosure::kMissing ? 0 : at];
}

TEST(LoaderClosure, GoesBreadthFirstAndSaysWhoAskedFirst) {
  Image image;
  image.file("bin/p", Image::program().needs({"liba.so", "libb.so"}))
      .library("lib64/liba.so", {"libdeep.so", "libc.so"})
      .library("lib64/libb.so", {"libc.so", "libdeep.so"})
      .library("lib64/libc.so", {"ld-linux-x86-64.so.2"})
      .library("lib64/libdeep.so");
  auto closure = image.load();
  ASSERT_TRUE(closure.ok()) << closure.error().message;
  EXPECT_THAT(paths(*closure), ElementsAre("/bin/p", "/lib64/liba.so", "/lib64/libb.so",
                                           "/lib64/libdeep.so", "/lib64/libc.so", kLoader));
  EXPECT_EQ(object(*closure, "libc.so").asked_by, closure->answering_to("liba.so"));
  EXPECT_EQ(object(*closure, "libc.so").found_by, "default directory");
  EXPECT_EQ(closure->answering_to("/lib64/libb.so"), 2U);
  EXPECT_EQ(object(*closure, kLoader).found_by, "PT_INTERP of /bin/p");
  EXPECT_EQ(closure->objects()[0].found_by, "program");
  EXPECT_THAT(object(*closure, "libb.so").needs,
              ElementsAre(closure->answering_to("libc.so"), closure->answering_to("libdeep.so")));
  EXPECT_THAT(closure->missing(), IsEmpty());
  EXPECT_EQ(closure->unknown_because(), "");
}

TEST(LoaderClosure, TheLoaderIsAnObjectEvenIfNobodyNeedsIt) {
  Image image;
  image.file("bin/p", Image::program().needs("liba.so")).library("lib64/liba.so");
  EXPECT_THAT(paths(*image.load()), ElementsAre("/bin/p", "/lib64/liba.so", kLoader));
}

TEST(LoaderClosure, NamesEachThatIsMissingAndGoesOn) {
  Image image;
  image.file("bin/p", Image::program().needs({"libgone.so", "liba.so"}))
      .library("lib64/liba.so", {"libgone.so", "libtext.so", "libb.so"})
      .library("lib64/libb.so");
  image.tree.file("lib64/libtext.so", "INPUT(libreal.so)").directory("usr/lib64");
  auto closure = image.load();
  ASSERT_EQ(closure->missing().size(), 3U);
  EXPECT_EQ(closure->missing()[0].name, "libgone.so");
  EXPECT_EQ(closure->missing()[0].needed_by, LoaderClosure::kProgram);
  EXPECT_EQ(closure->missing()[0].code, ENOENT);
  EXPECT_EQ(closure->missing()[1].name, "libgone.so");
  EXPECT_EQ(closure->missing()[1].needed_by, closure->answering_to("liba.so"));
  EXPECT_EQ(closure->missing()[2].name, "libtext.so");
  EXPECT_EQ(closure->missing()[2].code, ENOEXEC);
  EXPECT_THAT(closure->missing()[2].reason, HasSubstr("/lib64/libtext.so: not an ELF file"));
  EXPECT_EQ(object(*closure, "liba.so").needs[0], LoaderClosure::kMissing);
  EXPECT_EQ(object(*closure, "libb.so").path, "/lib64/libb.so");
}

TEST(LoaderClosure, AProgramInThePlaceOfALibraryIsNotLoaded) {
  Image image;
  image.file("bin/p", Image::program().needs({"libexec.so", "libpie.so", "libstatic.so"}))
      .file("lib64/libexec.so", ElfBuilder().type(ET_EXEC).soname("libexec.so"))
      .file("lib64/libpie.so", ElfBuilder().soname("libpie.so").flags_1(DF_1_PIE))
      .file("lib64/libstatic.so", ElfBuilder());
  auto closure = image.load();
  ASSERT_EQ(closure->missing().size(), 3U);
  for (const auto& missing : closure->missing()) EXPECT_EQ(missing.code, ENOEXEC) << missing.name;
}

TEST(LoaderClosure, RpathOfTheLoadersServesWithTheirOrigin) {
  Image image;
  image.file("bin/p", Image::program().needs("liba.so").rpath("$ORIGIN/../r"))
      .library("r/liba.so", {"libb.so"})
      .library("r/libb.so");
  auto closure = image.load();
  EXPECT_EQ(object(*closure, "libb.so").path, "/bin/../r/libb.so");
  EXPECT_EQ(object(*closure, "libb.so").found_by, "RPATH of /bin/p");
}

TEST(LoaderClosure, RunpathServesItsOwnObjectOnly) {
  Image image;
  image.file("bin/p", Image::program().needs("liba.so").runpath("/r"))
      .library("r/liba.so", {"libb.so"})
      .library("r/libb.so");
  auto closure = image.load();
  EXPECT_EQ(object(*closure, "liba.so").found_by, "RUNPATH of /bin/p");
  ASSERT_EQ(closure->missing().size(), 1U);
  EXPECT_EQ(closure->missing()[0].name, "libb.so");
}

// An object with RUNPATH has neither its own RPATH nor that of its loaders, even if it is "".
TEST(LoaderClosure, RunpathTurnsOffRpathOfTheWholeChain) {
  for (const char* runpath : {"/none", ""}) {
    Image image;
    image.file("bin/p", Image::program().needs("liba.so").rpath("/r"))
        .file("r/liba.so",
              ElfBuilder().soname("liba.so").needs("libb.so").rpath("/r").runpath(runpath))
        .library("r/libb.so");
    auto closure = image.load();
    ASSERT_EQ(closure->missing().size(), 1U) << '"' << runpath << '"';
    EXPECT_EQ(closure->missing()[0].name, "libb.so");
  }
}

// … and its RPATH does not serve what it loads; that of those above it does.
TEST(LoaderClosure, AnObjectWithRunpathIsLeftOutOfTheChain) {
  Image image;
  image.file("bin/p", Image::program().needs("liba.so").rpath("/r"))
      .file("r/liba.so", ElfBuilder().soname("liba.so").needs("libb.so").rpath("/s").runpath("/s"))
      .library("s/libb.so", {"libc.so"})
      .library("s/libc.so")
      .library("r/libc.so");
  EXPECT_EQ(object(*image.load(), "libc.so").path, "/r/libc.so");
}

TEST(LoaderClosure, OriginInLdLibraryPathIsTheProgramsAndThatIsItsRealPath) {
  Image image;
  image.environment["LD_LIBRARY_PATH"] = "$ORIGIN/lib";
  image.file("opt/app/p", Image::program().needs("liba.so"))
      .library("opt/app/lib/liba.so", {"libb.so"})
      .library("opt/app/lib/libb.so");
  image.tree.link("bin/p", "/opt/app/p");
  auto closure = image.load();
  EXPECT_THAT(paths(*closure),
              ElementsAre("/opt/app/p", "/opt/app/lib/liba.so", "/opt/app/lib/libb.so", kLoader));
  EXPECT_EQ(closure->objects()[0].name, "/bin/p");
}

TEST(LoaderClosure, WhatIsLoadedAlreadyWinsOverTheSearchByNameBySonameAndByFile) {
  Image image;
  image.environment["LD_LIBRARY_PATH"] = "/env";
  image.file("bin/p", Image::program().needs({"/x/libfirst.so", "liblink.so"}))
      .file("x/libfirst.so", ElfBuilder().soname("libsame.so").needs({"libsame.so", "liblink.so"}))
      .library("env/libsame.so");
  image.tree.link("env/liblink.so", "/x/libfirst.so");
  auto closure = image.load();
  EXPECT_THAT(paths(*closure), ElementsAre("/bin/p", "/x/libfirst.so", kLoader));
  EXPECT_EQ(closure->answering_to("libsame.so"), 1U);
  EXPECT_EQ(closure->answering_to("liblink.so"), 1U);
  EXPECT_EQ(closure->answering_to("libnone.so"), LoaderClosure::kMissing);
}

TEST(LoaderClosure, PreloadsComeFirstFromTheVariableThenFromTheFile) {
  Image image;
  image.environment["LD_PRELOAD"] = "/pre/libone.so libtwo.so";
  image.file("bin/p", Image::program().needs("liba.so"))
      .library("lib64/liba.so")
      .library("pre/libone.so", {"liba.so"})
      .library("lib64/libtwo.so")
      .library("pre/libthree.so");
  image.tree.file(
      "etc/ld.so.preload",
      "# none of: /pre/liba.so\n/pre/libthree.so:/pre/libgone.so\t/pre/libone.so # /x\n");
  auto closure = image.load();
  EXPECT_THAT(paths(*closure), ElementsAre("/bin/p", "/pre/libone.so", "/lib64/libtwo.so",
                                           "/pre/libthree.so", "/lib64/liba.so", kLoader));
  EXPECT_EQ(closure->objects()[1].found_by, "LD_PRELOAD");
  EXPECT_EQ(closure->objects()[2].found_by, "LD_PRELOAD, default directory");
  EXPECT_EQ(closure->objects()[3].found_by, "/etc/ld.so.preload");
  ASSERT_EQ(closure->missing().size(), 1U);
  EXPECT_TRUE(closure->missing()[0].is_preload);
  EXPECT_EQ(closure->missing()[0].name, "/pre/libgone.so");
}

TEST(LoaderClosure, NodeflibTurnsOffTheDefaultDirectoriesAndTheirEntriesInTheCache) {
  Image image;
  image
      .file("bin/p",
            Image::program().needs({"liba.so", "libb.so", "libc.so"}).flags_1(DF_1_NODEFLIB))
      .library("lib64/liba.so")
      .library("lib64/libb.so")
      .library("opt/libc.so");
  image.tree.file("etc/ld.so.cache",
                  test::ld_so_cache({{"libb.so", "/lib64/libb.so"}, {"libc.so", "/opt/libc.so"}}));
  auto closure = image.load();
  EXPECT_THAT(paths(*closure), ElementsAre("/bin/p", "/opt/libc.so", kLoader));
  EXPECT_EQ(closure->missing().size(), 2U);
}

TEST(LoaderClosure, MuslAndForeignLoadersAndStaticProgramsAreUnknownAndNotGuessed) {
  Image image;
  image.file("bin/musl", ElfBuilder().interpreter("/lib/ld-musl-x86_64.so.1").needs("liba.so"))
      .file("bin/nix",
            ElfBuilder().interpreter("/nix/glibc/lib/ld-linux-x86-64.so.2").needs("liba.so"))
      .file("bin/static", ElfBuilder().type(ET_EXEC))
      .file("bin/gcompat", ElfBuilder().interpreter("/lib/ld-linux-x86-64.so.2").needs("liba.so"))
      .library("lib/libgcompat.so.0");
  image.tree.link("lib/ld-linux-x86-64.so.2", "libgcompat.so.0");
  const std::pair<const char*, const char*> expected[] = {{"/bin/musl", "musl's loader"},
                                                          {"/bin/gcompat", "musl's loader"},
                                                          {"/bin/nix", "/nix/glibc/lib"},
                                                          {"/bin/static", "statically"}};
  for (const auto& [path, words] : expected) {
    auto closure = image.load(path);
    ASSERT_TRUE(closure.ok()) << closure.error().message;
    EXPECT_THAT(closure->unknown_because(), HasSubstr(words));
    EXPECT_THAT(paths(*closure), ElementsAre(path));
    EXPECT_THAT(closure->missing(), IsEmpty());
    EXPECT_EQ(closure->open("liba.so").error().code, ENOTSUP);
  }
}

TEST(LoaderClosure, AProgramWithoutItsLoaderMissesThat) {
  Image image;
  image.file("bin/p", ElfBuilder().interpreter("/lib64/ld-linux-aarch64.so.1"));
  auto closure = image.load();
  ASSERT_EQ(closure->missing().size(), 1U);
  EXPECT_EQ(closure->missing()[0].name, "/lib64/ld-linux-aarch64.so.1");
  EXPECT_EQ(closure->missing()[0].code, ENOENT);
}

TEST(LoaderClosure, SaysThatTheProgramCannotBeRead) {
  Image image;
  image.tree.file("bin/p", "#!/bin/sh\n");
  EXPECT_FALSE(image.load().ok());
  EXPECT_EQ(image.load("/bin/none").error().code, ENOENT);
}

TEST(LoaderClosure, OpensWithTheSearchPathsOfTheCaller) {
  Image image;
  image.file("bin/p", Image::program().needs("libcaller.so").runpath("/r"))
      .file("r/libcaller.so", ElfBuilder().soname("libcaller.so").runpath("/plugins"))
      .library("plugins/libplug.so", {"libcaller.so", "libgone.so"});
  auto closure = image.load();
  EXPECT_EQ(closure->open("libplug.so").error().code, ENOENT) << "not by the program's RUNPATH";
  EXPECT_THAT(closure->missing(), IsEmpty()) << "what could not be opened is told by the error";
  auto plug = closure->open("libplug.so", closure->answering_to("libcaller.so"));
  ASSERT_TRUE(plug.ok()) << plug.error().message;
  EXPECT_EQ(closure->objects()[*plug].found_by,
            "dlopen by /r/libcaller.so, RUNPATH of /r/libcaller.so");
  EXPECT_EQ(closure->objects()[*plug].needs[0], closure->answering_to("libcaller.so"));
  ASSERT_EQ(closure->missing().size(), 1U);
  EXPECT_EQ(closure->missing()[0].needed_by, *plug);
  EXPECT_EQ(closure->open("/plugins/libplug.so").value_or(99), *plug) << "loaded already";
  EXPECT_EQ(closure->objects().size(), 4U);
}

// As Debian's glibc 2.41-12 and 2.36 do, started as programs and through `ld.so program`; "none" is
// a file without PT_GNU_STACK on x86-64. What the two say to dlopen of a library:
//
//   the program, what it starts with                     2.36      2.41
//   rw                                                   opened    rw opened, rwx and none refused
//   rw, and the library needs another that is rwx, none  opened    refused, for the other
//   rwx; none; needs or preloads a library of either     opened    opened
//   rw, GLIBC_TUNABLES=glibc.rtld.execstack=2            opened    opened
TEST(LoaderClosure, ANewGlibcOpensNothingThatWantsAnExecutableStack) {
  constexpr std::uint32_t kRead = PF_R | PF_W;
  constexpr std::uint32_t kExecutable = PF_R | PF_W | PF_X;
  Image image;
  const auto libc = [&](const char* newest) {
    image.file("lib64/libc.so.6", ElfBuilder().soname("libc.so.6").defines_version(newest));
  };
  const auto program = [&](std::uint32_t stack, const char* needs = "libc.so.6") {
    image.file("bin/p", Image::program().needs({needs, "libc.so.6"}).stack(stack));
  };
  libc("GLIBC_2.41");
  program(kRead);
  image.file("lib64/libx.so", ElfBuilder().soname("libx.so").stack(kExecutable))
      .file("lib64/libnone.so", ElfBuilder().soname("libnone.so").stack(0))
      .file("x/libgood.so", ElfBuilder().soname("libgood.so"))
      .file("x/libneeds.so", ElfBuilder().soname("libneeds.so").needs("libx.so"))
      .file("x/libneedsnone.so", ElfBuilder().soname("libneedsnone.so").needs("libnone.so"));
  const auto error = [&](const std::string& name) {
    auto closure = image.load();
    EXPECT_TRUE(closure.ok());
    auto opened = closure->open(name);
    if (!opened) return opened.error().message;
    return closure->missing().empty() ? std::string() : closure->missing()[0].reason;
  };
  const auto tunables = [&](const char* value) { image.environment = {{"GLIBC_TUNABLES", value}}; };
  const std::string refused = ": cannot enable executable stack as shared object requires";
  EXPECT_EQ(error("libx.so"), "/lib64/libx.so" + refused);
  EXPECT_EQ(error("libnone.so"), "/lib64/libnone.so" + refused);
  EXPECT_EQ(error("/x/libneeds.so"), "/lib64/libx.so" + refused);
  EXPECT_EQ(error("/x/libneedsnone.so"), "/lib64/libnone.so" + refused);
  EXPECT_EQ(error("/x/libgood.so"), "");

  for (const char* allowed : {"glibc.rtld.execstack=2", "a=1:glibc.rtld.execstack=2",
                              "glibc.rtld.execstack=1:glibc.rtld.execstack=2"}) {
    tunables(allowed);
    EXPECT_EQ(error("libx.so"), "") << allowed;
  }
  for (const char* other : {"glibc.rtld.execstack=1", "glibc.rtld.execstack=20",
                            "glibc.rtld.execstack=2:glibc.rtld.execstack=1"}) {
    tunables(other);
    EXPECT_EQ(error("libx.so"), "/lib64/libx.so" + refused) << other;
  }

  // The stack is executable from the start.
  for (const char* preload : {"libx.so", "libnone.so"}) {
    image.environment = {{"LD_PRELOAD", preload}};
    EXPECT_EQ(error("/x/libneeds.so") + error("/x/libneedsnone.so"), "") << preload;
  }
  image.environment.clear();
  for (const std::uint32_t stack : {kExecutable, 0U}) {
    program(stack);
    EXPECT_EQ(error("libx.so") + error("libnone.so"), "") << stack;
  }
  program(kRead, "libx.so");
  EXPECT_EQ(error("libnone.so"), "");
  program(kRead, "libnone.so");
  EXPECT_EQ(error("libx.so"), "");

  program(kRead);
  libc("GLIBC_2.40");
  EXPECT_EQ(error("libx.so") + error("libnone.so"), "") << "an older glibc changes the stack";
}

TEST(LoaderClosure, ScopeIsTheProgramThenWhatIsGlobalThenWhatWasOpened) {
  Image image;
  image.environment["LD_PRELOAD"] = "/x/libpre.so";
  image.file("bin/p", Image::program().needs("libc.so"))
      .library("lib64/libc.so")
      .library("x/libpre.so")
      .library("x/liblocal.so", {"libdep.so"})
      .library("x/libglobal.so", {"libc.so"})
      .library("x/libplug.so", {"libdep.so", "libown.so"})
      .library("lib64/libdep.so")
      .library("lib64/libown.so");
  auto closure = image.load();
  const auto local = closure->open("/x/liblocal.so");
  (void)closure->open("/x/libglobal.so", LoaderClosure::kProgram, LoaderClosure::Symbols::kGlobal);
  const auto plug = closure->open("/x/libplug.so");
  ASSERT_TRUE(plug.ok());
  const auto scope = [&](std::size_t of) { return paths(*closure, closure->scope_of(of)); };
  EXPECT_THAT(scope(closure->answering_to("libc.so")),
              ElementsAre("/bin/p", "/x/libpre.so", "/lib64/libc.so"));
  EXPECT_THAT(scope(*plug),
              ElementsAre("/bin/p", "/x/libpre.so", "/lib64/libc.so", "/x/libglobal.so",
                          "/x/libplug.so", "/lib64/libdep.so", "/lib64/libown.so"));
  EXPECT_THAT(scope(closure->answering_to("libown.so")), scope(*plug));
  // Resolved when liblocal was opened, before there was anything global.
  EXPECT_THAT(scope(closure->answering_to("libdep.so")), scope(*local));
  EXPECT_THAT(scope(*local), ElementsAre("/bin/p", "/x/libpre.so", "/lib64/libc.so",
                                         "/x/liblocal.so", "/lib64/libdep.so"));
}

TEST(LoaderClosure, ShadowedAreTheFilesThatTheSearchDidNotReach) {
  Image image;
  image.environment["LD_LIBRARY_PATH"] = "/env:/again";
  image.file("bin/p", Image::program().needs({"liba.so", "/x/libb.so"}).runpath("/run"))
      .library("env/liba.so")
      .library("run/liba.so")
      .library("lib64/liba.so")
      .library("x/libb.so");
  image.tree.link("again/liba.so", "/env/liba.so");
  auto closure = image.load();
  auto hidden = closure->shadowed(closure->answering_to("liba.so"));
  ASSERT_EQ(hidden.size(), 2U);
  EXPECT_EQ(hidden[0].path, "/run/liba.so");
  EXPECT_EQ(hidden[0].found_by, "RUNPATH of /bin/p");
  EXPECT_EQ(hidden[1].path, "/lib64/liba.so");
  EXPECT_THAT(closure->shadowed(closure->answering_to("/x/libb.so")), IsEmpty());
  EXPECT_THAT(closure->shadowed(LoaderClosure::kProgram), IsEmpty());
}

TEST(LoaderClosure, StopsAtALimit) {
  Image image;
  ElfBuilder program = Image::program();
  const std::size_t count = LoaderClosure::kMaxObjects + 20;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "lib" + std::to_string(i) + ".so";
    program.needs(name);
    image.library("lib64/" + name);
  }
  image.file("bin/p", program);
  auto closure = image.load();
  EXPECT_EQ(closure->objects().size(), LoaderClosure::kMaxObjects + 1) << "and the loader";
  ASSERT_FALSE(closure->missing().empty());
  EXPECT_EQ(closure->missing()[0].code, kOwnLimit);
}

TEST(LoaderClosure, TellsWhichObjectAsksForTheBestCpu) {
  const auto asking = [](const char* soname, int level) {
    return ElfBuilder().soname(soname).cpu_level(level);
  };
  Image image;
  image.file("bin/p", Image::program().needs({"liba.so", "libb.so", "libc.so"}).runpath("/lib"));
  image.library("lib/liba.so").library("lib/libb.so").library("lib/libc.so");
  EXPECT_EQ(image.load()->most_demanding(), LoaderClosure::kMissing);
  image.file("lib/liba.so", asking("liba.so", 1)).file("lib/libb.so", asking("libb.so", 2));
  image.file("lib/libc.so", asking("libc.so", 2));
  auto closure = image.load();
  ASSERT_TRUE(closure.ok());
  EXPECT_EQ(closure->most_demanding(), closure->answering_to("libb.so"));
  // On another CPU the loader takes another file.
  const std::vector<std::string> levels = supported_hwcaps("x86_64");
  if (levels.empty()) return;
  image.file("lib/glibc-hwcaps/" + levels.front() + "/libc.so", asking("libc.so", 4));
  closure = image.load();
  ASSERT_TRUE(closure.ok());
  const std::size_t best = closure->answering_to("libc.so");
  EXPECT_EQ(closure->objects()[best].dynamic.cpu_level, 4);
  EXPECT_EQ(closure->most_demanding(), closure->answering_to("libb.so"));
}

}  // namespace
}  // namespace gpuinit::ldso
