// What this machine's own loader says: which files it would load, what it misses, what it
// complains about; and C programs and libraries to try it with.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/library_names.h"
#include "base/text.h"
#include "support/run_program.h"

namespace gpuinit::test {

struct Trace {
  std::vector<std::pair<std::string, std::string>> loaded;  // name, path; in link map order
  std::vector<std::string> missing;                         // once for each that needs it
  std::vector<std::string> complaints;                      // the other lines of both streams
  std::string all;
  bool could_run = true;  // false: this process may not change its root
};

// Runs `argv` under LD_TRACE_LOADED_OBJECTS: the loader lists and does not start it. With a
// `root`, inside that tree.
inline Trace trace(const std::vector<std::string>& argv,
                   std::map<std::string, std::string> environment = {},
                   const std::string& root = "/") {
  RunOptions options;
  options.only_this_environment = true;
  options.environment = std::move(environment);
  options.environment["LD_TRACE_LOADED_OBJECTS"] = "1";
  options.environment["LC_ALL"] = "C";
  options.directory = root;
  if (root != "/")
    options.in_child = [] {
      if (::geteuid() != 0 && ::unshare(CLONE_NEWUSER) != 0) ::_exit(249);
      if (::chroot(".") != 0) ::_exit(249);
    };
  const Ran ran = run_program(argv, options);
  Trace result;
  result.could_run = ran.exit_code != 249;
  result.all = ran.out + ran.err;
  for (const auto line : base::split_lines(ran.out)) {
    const auto text = base::trim(line);
    const auto arrow = text.find(" => ");
    const auto address = text.find(" (0x");
    if (text.empty() || text.starts_with("linux-vdso.so.1 ") || text.starts_with("\tstatically"))
      continue;
    if (text.ends_with(" => not found")) {
      // The driver is the node's: ours does not look for it.
      if (!base::is_driver_library(text)) result.missing.emplace_back(text.substr(0, arrow));
    } else if (address != std::string_view::npos && arrow != std::string_view::npos) {
      result.loaded.emplace_back(text.substr(0, arrow),
                                 text.substr(arrow + 4, address - arrow - 4));
    } else if (address != std::string_view::npos) {
      result.loaded.emplace_back(text.substr(0, address), text.substr(0, address));
    } else {
      result.complaints.emplace_back(text);
    }
  }
  for (const auto line : base::split_lines(ran.err))
    if (!base::trim(line).empty()) result.complaints.emplace_back(base::trim(line));
  return result;
}

// gcc -fPIC …; fails the test if it does not compile.
inline void compile(const std::filesystem::path& to, const std::string& source,
                    const std::vector<std::string>& options = {}) {
  std::filesystem::create_directories(to.parent_path());
  const std::string file = to.string() + ".c";
  std::ofstream(file) << source;
  std::vector<std::string> argv = {"gcc", "-fPIC", "-w", "-o", to, file, "-Wl,--no-as-needed"};
  argv.insert(argv.end(), options.begin(), options.end());
  const Ran ran = run_program(argv);
  EXPECT_EQ(ran.exit_code, 0) << to << ": " << ran.err;
  std::filesystem::remove(file);
}

inline void compile_library(const std::filesystem::path& to, const std::string& source,
                            std::vector<std::string> options = {}) {
  options.insert(options.begin(), "-shared");
  options.push_back("-Wl,-soname," + to.filename().string());
  compile(to, source, options);
}

// Opens its arguments one after the other ("+name" with RTLD_GLOBAL), then prints the link map:
// a line "=path" for each object and a line "!text" for each dlopen that failed.
inline constexpr const char* kOpener = R"(
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    int global = argv[i][0] == '+';
    if (!dlopen(argv[i] + global, RTLD_LAZY | (global ? RTLD_GLOBAL : 0)))
      printf("!%s\n", dlerror());
  }
  for (struct link_map* m = _r_debug.r_map; m; m = m->l_next) printf("=%s\n", m->l_name);
}
)";

inline std::vector<std::string> lines_with(const std::string& text, char mark) {
  std::vector<std::string> found;
  for (const auto line : base::split_lines(text))
    if (line.starts_with(mark)) found.emplace_back(line.substr(1));
  return found;
}

}  // namespace gpuinit::test
