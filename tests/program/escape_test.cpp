// Nothing outside of --root is read: every file and directory of an image in turn becomes a symlink
// that leads out to the real thing, which must change nothing in any output.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <filesystem>
#include <regex>

#include "probe/syscall_filter.h"
#include "program/gpuinit_program.h"
#include "support/in_another_process.h"
#include "support/pytorch_image.h"

namespace gpuinit::test {
namespace {

namespace fs = std::filesystem;

// What the whole image is read for, in every form.
std::string everything_said(const Tree& tree) {
  std::string said;
  for (const char* verb : {"--facts", "--check"}) {
    std::vector<std::string> words{verb, "--root", tree.at("image"), "--node",
                                   tree.at("node.json")};
    for (const char* package : {"egg", "old", "owned", "other"})
      words.insert(words.end(), {"--set", std::string("expect.packages.") + package + "===2"});
    words.insert(words.end(), {"--", "python3", "/app/main.py"});
    const Ran ran = gpuinit(words);
    said += ran.out + ran.err + std::to_string(ran.exit_code);
  }
  return std::regex_replace(said, std::regex(", [0-9.]+ ms"), "");
}

void write_image(Tree& tree) {
  Tree made;
  PyTorchImage image;
  image.write_to(made);
  const std::string site = image.site_packages();
  made.file("app/main.py", "import torch\n")
      .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
      .file("etc/ld.so.preload", "")
      .file("etc/os-release", "ID=debian\n")
      .file(site + "/more.pth", "/opt/more\n")
      .file("opt/more/other-1.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: other\nVersion: 1\n")
      .file(site + "/egg-1.egg/EGG-INFO/PKG-INFO", "Metadata-Version: 2.1\nName: egg\nVersion: 1\n")
      .file(site + "/old-1.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: old\nVersion: 1\n")
      .file(site + "/ext.cpython-312-x86_64-linux-gnu.so",
            ElfBuilder().needs("libtorch.so").defines("PyInit_ext").build())
      .file(site + "/owned-1.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: owned\nVersion: 1\n")
      .file(site + "/owned-1.dist-info/RECORD", "owned/x.so,,\n")
      .file(site + "/owned/x.so", ElfBuilder().needs("libtorch.so").defines("PyInit_x").build());
  fs::copy(made.root(), tree.at("image"),
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  tree.file("node.json", kH100Node);
}

std::string first_escape() {
  Tree tree;
  write_image(tree);
  std::vector<fs::path> places;
  for (const auto& entry : fs::recursive_directory_iterator(tree.at("image")))
    if (!entry.is_symlink()) places.push_back(entry.path());
  std::size_t looked_at = 0;
  std::size_t mattered = 0;
  const std::string whole = everything_said(tree);
  if (whole.find("egg") == whole.npos) return whole;
  for (const fs::path& place : places) {
    const fs::path outside = tree.at("outside");
    fs::rename(place, outside);
    const bool relative = ++looked_at % 2 == 0;
    const fs::path target = relative ? fs::relative(outside, place.parent_path()) : outside;
    fs::create_symlink(target, place);
    const std::string with = everything_said(tree);
    fs::rename(outside, tree.at("elsewhere"));
    const std::string without = everything_said(tree);
    fs::rename(tree.at("elsewhere"), outside);
    fs::remove(place);
    if (with != without) return place.string() + " -> " + target.string() + ":\n" + with;
    if (with != whole) ++mattered;
    fs::rename(outside, place);
  }
  // The test is one only if most of the places are looked at.
  if (mattered < places.size() / 2) return "only " + std::to_string(mattered) + " links mattered";
  return "";
}

TEST(Root, IsNotLeftThroughAnySymlink) { EXPECT_EQ(first_escape(), ""); }

TEST(Root, IsNotLeftWithoutOpenat2Either) {
  EXPECT_EQ(in_another_process([]() -> std::string {
              if (!refuse({{SYS_openat2, ENOSYS}})) return "no seccomp here";
              return first_escape();
            }),
            "");
}

}  // namespace
}  // namespace gpuinit::test
