// A command that is really run, with programs that write down what they were given, beside the same
// command followed: both must come to the same program.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/environment_variables.h"
#include "base/root_fs.h"
#include "image/start/start.h"
#include "support/run_program.h"
#include "support/tree.h"

namespace gpuinit::image::real {

using Words = std::vector<std::string>;
using base::Environment;

// What a program was given.
struct Given {
  std::string file;  // every symlink resolved
  std::string directory;
  bool in_background = false;
  Words argv;
  Environment environment;
};

struct RealRun {
  std::vector<Given> programs;  // in the order in which they started
  int exit_code = 0;
  std::string err;
};

// A directory with stubs, or a whole image of its own to be run in by chroot.
class Stage {
 public:
  // `as_root`: "/" of the commands is the stage's directory.
  explicit Stage(bool as_root = false);

  gpuinit::test::Tree tree;
  Environment environment;        // of every command
  std::string directory = "/";    // below the stage: where every command starts
  Environment also_unknown = {};  // values that are not compared, by name

  // A program at the path that writes down what it is given.
  Stage& stub(const std::string& path);
  // This machine's program, with its libraries, at the same path. Of a stage that is a root.
  Stage& program(const std::string& name);

  // "@" at the start of a word, or behind '=' or ':', stands for the stage's directory.
  std::string expanded(std::string text) const;
  Words expanded(const Words& words) const;

  RealRun run(const Words& command) const;
  Start follow(const Words& command) const;

 private:
  std::string root() const { return as_root_ ? "" : tree.root(); }
  bool as_root_;
  std::string log_;
};

enum class Came { kToAProgram, kToNothing, kUnclear };

// What following came to: a stub, another program (which starts none), or unclear.
Came came_of(const Start& start, const Stage& stage);

// "" if what was followed is what happened, or is unclear; else how they differ.
std::string difference(const Start& followed, const RealRun& real, const Stage& stage);

// A command, what following it must come to, and variables that are set for it.
struct Case {
  Words command;
  Came came = Came::kToAProgram;
  Environment more = {};
};

class RealStarts : public testing::Test {
 protected:
  void expect(const std::vector<Case>& cases);
  void expect_one(const Case& it);

  Stage stage_;
};

}  // namespace gpuinit::image::real
