// A directory with the fake libcuda.so.1 and what it shall play, and a probe run on it.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "probe/cuda/cuda_probe.h"
#include "support/in_another_process.h"
#include "support/tree.h"

namespace gpuinit::test {

class FakeDriver {
 public:
  // `script` as tests/support/fake_libcuda/fake_libcuda.c describes it; "DIR/" in it is the
  // driver's directory, for behaviours that write a file.
  explicit FakeDriver(std::string script, const std::string& variant = "") {
    for (std::size_t at = 0; (at = script.find("DIR/", at)) != std::string::npos;)
      script.replace(at, 3, tree_.root());
    tree_.file("libcuda.fake", script);
    std::filesystem::copy_file(
        std::filesystem::path(GPUINIT_FAKE_LIBCUDA) / variant / "libcuda.so.1",
        tree_.at("libcuda.so.1"));
  }

  const std::string& directory() const { return tree_.root(); }

  // What a behaviour wrote into DIR/`name`.
  std::string wrote(const std::string& name) const {
    std::ifstream file(tree_.at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The directory is also one that the sandbox lets a driver write to.
  std::map<std::string, std::string> environment() const {
    return {{"LD_LIBRARY_PATH", tree_.root()}, {"CUDA_MPS_PIPE_DIRECTORY", tree_.root()}};
  }

  probe::CudaProbeOptions options(bool context = false) const {
    probe::CudaProbeOptions options;
    options.context = context;
    options.timeout = std::chrono::seconds(30);
    options.installed_path.clear();
    options.environment = environment();
    return options;
  }

  probe::CudaProbeAnswer ask(bool context = false) const {
    return probe::CudaProbe::start(options(context)).collect();
  }
  // Each device has `limit` for its context.
  probe::CudaProbeAnswer try_devices(std::chrono::milliseconds limit) const {
    auto asked = options(true);
    asked.trial_timeout = limit;
    return probe::CudaProbe::start(asked).collect();
  }
  probe::CudaProbeAnswer ask_within(std::chrono::milliseconds timeout, bool context = false) const {
    auto asked = options(context);
    asked.timeout = timeout;
    return probe::CudaProbe::start(asked).collect();
  }

 private:
  Tree tree_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Makes `root` this process's /. False: neither root nor user namespaces are to be had.
inline bool enter_root(const std::string& root) {
  if (::geteuid() != 0 && ::unshare(CLONE_NEWUSER) != 0) return false;
  return ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
}

// "answered", "timed out: no whole answer …"
inline std::string in_words(const probe::CudaProbeAnswer& answer) {
  static const char* const kNames[] = {"answered", "timed out", "crashed",    "exited",
                                       "garbled",  "no loader", "not started"};
  std::string text = kNames[static_cast<int>(answer.run.outcome)];
  if (!answer.run.detail.empty()) text += ": " + answer.run.detail;
  if (answer.devices) text += ", " + std::to_string(answer.devices->size()) + " devices";
  return text;
}

}  // namespace gpuinit::test
