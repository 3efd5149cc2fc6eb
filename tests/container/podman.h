// Runs containers of the images that images.py makes, and removes them when the test ends.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "support/inputs_cache.h"
#include "support/running_program.h"

namespace gpuinit::test {

using Words = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

// docker/Dockerfile.pytorch: gpuinit is the ENTRYPOINT, the policy is policies/supervise.toml.
inline constexpr char kTraining[] = "localhost/gpuinit-test/training:latest";
// The same Python and torch, and no gpuinit.
inline constexpr char kTorch[] = "localhost/gpuinit-test/torch:latest";

// As in engine.py.
inline std::string store() { return (inputs() / "containers").string(); }

// The store and the configuration are those of engine.py.
inline Words podman_words(const Words& words) {
  Words all{"podman", "--root", store() + "/store", "--runroot", store() + "/run"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

inline RunOptions podman_options() {
  RunOptions options;
  for (char** v = environ; *v != nullptr; ++v) {
    const std::string text = *v;
    options.environment.emplace(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
  }
  options.environment["CONTAINERS_CONF"] =
      std::string(GPUINIT_SOURCE) + "/tests/container/containers.conf";
  options.directory = store();  // the engine leaves a file `oom` where it was started
  options.timeout = std::chrono::minutes(2);
  return options;
}

inline Ran podman(const Words& words) { return run_program(podman_words(words), podman_options()); }

inline std::string unique_name() {
  static int count = 0;
  return "gpuinit-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

inline Words run_words(const std::string& name, const std::string& image, const Words& options,
                       const Words& command) {
  Words words{"run", "--name", name, "--network", "none"};
  words.insert(words.end(), options.begin(), options.end());
  words.push_back(image);
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

inline void remove_container(const std::string& name) {
  podman({"rm", "--force", "--time", "0", "--ignore", name});
}

// Runs a container to its end.
inline Ran run_container(const Words& command, const Words& options = {},
                         const std::string& image = kTraining) {
  const std::string name = unique_name();
  const Ran ran = podman(run_words(name, image, options, command));
  remove_container(name);
  return ran;
}

// A container that runs beside the test.
class Container {
 public:
  explicit Container(const Words& command, const Words& options = {},
                     const std::string& image = kTraining, bool terminal = false)
      : program_(podman_words(run_words(name_, image, options, command)), podman_options(),
                 Place::kChild, terminal) {}
  ~Container() { remove_container(name_); }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const std::string& name() const { return name_; }
  // `podman run` in the foreground: what the container says, and its exit code.
  RunningProgram& program() { return program_; }
  bool says(const std::string& text) { return program_.says(text); }
  const std::string& said() const { return program_.said(); }
  int finish() { return program_.finish(); }

  // `podman stop`; how long it took.
  Clock::duration stop(const Words& options = {}) const {
    Words words{"stop"};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back(name_);
    const auto start = Clock::now();
    const Ran ran = podman(words);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return Clock::now() - start;
  }

 private:
  std::string name_ = unique_name();
  RunningProgram program_;
};

// "" where containers can be run.
inline std::string what_is_missing() {
  const Ran ran = podman({"image", "exists", kTraining});
  if (ran.exit_code == 0) return "";
  if (ran.exit_code == 1) return std::string(kTraining) + ": tests/container/images.py makes it";
  if (ran.exit_code == 250) return "podman: docker/install-deps.sh --tests installs it";
  return "a podman that works here: " + ran.err;
}

// Fails where podman cannot run; skips only where that is asked for.
template <class Base = testing::Test>
class InContainers : public Base {
 protected:
  void SetUp() override {
    const char* none = std::getenv("GPUINIT_TESTS_NO_CONTAINERS");
    if (none != nullptr && std::string(none) == "1")
      GTEST_SKIP() << "GPUINIT_TESTS_NO_CONTAINERS=1: no container was run";
    const std::string missing = what_is_missing();
    ASSERT_EQ(missing, "") << "GPUINIT_TESTS_NO_CONTAINERS=1 skips these tests";
  }
};

inline Words shell(const std::string& script) { return {"sh", "-c", script}; }
inline Words python(const std::string& script) { return {"python", "-c", script}; }

// Makes an orphan and exits with 0 once it has been reaped, with 1 after two seconds.
inline constexpr char kOrphan[] = R"(
import os, sys, time
ends = os.pipe()
child = os.fork()
if child == 0:
    orphan = os.fork()
    if orphan == 0:
        os._exit(0)
    os.write(ends[1], str(orphan).encode())
    os._exit(0)
os.waitpid(child, 0)
orphan = int(os.read(ends[0], 20))
for _ in range(200):
    try:
        os.kill(orphan, 0)
    except ProcessLookupError:
        print('reaped')
        sys.exit(0)
    time.sleep(0.01)
print('a zombie')
sys.exit(1)
)";

}  // namespace gpuinit::test
