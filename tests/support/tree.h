// A file tree written as data: tests describe an image and get a directory.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace gpuinit::test {

// Lives in a fresh temporary directory and is removed with it.
class Tree {
 public:
  Tree() {
    std::string name = (std::filesystem::temp_directory_path() / "gpuinit-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    root_ = name;
  }
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Parent directories are made as needed.
  Tree& file(std::string_view path, std::string_view content = "", int mode = 0644) {
    const auto full = at(path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << content;
    ::chmod(full.c_str(), static_cast<mode_t>(mode));
    return *this;
  }
  Tree& executable(std::string_view path, std::string_view content = "") {
    return file(path, content, 0755);
  }
  Tree& directory(std::string_view path) {
    std::filesystem::create_directories(at(path));
    return *this;
  }
  // The target is written as it is: an absolute one counts from the root.
  Tree& link(std::string_view path, std::string_view target) {
    const auto full = at(path);
    std::filesystem::create_directories(full.parent_path());
    std::filesystem::create_symlink(target, full);
    return *this;
  }

  std::filesystem::path at(std::string_view path) const {
    while (path.starts_with('/')) path.remove_prefix(1);
    return root_ / path;
  }
  const std::string& root() const { return root_.native(); }

 private:
  std::filesystem::path root_;
};

}  // namespace gpuinit::test
