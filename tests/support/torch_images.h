// The whole images of tests/inputs/fetch.py: an interpreter, torch, its CUDA libraries and its
// extensions in one root.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/inputs.h"

namespace gpuinit::test {

struct TorchImage {
  std::string name;       // "torch2.8.0-cp312"
  std::string root;       // on this machine
  std::string python;     // in the image, as the others
  std::string site;       // its site-packages
  std::string torch;      // site + "/torch"
  std::string extension;  // torch/_C.cpython-312-x86_64-linux-gnu.so
  bool runs = false;      // the interpreter is a real one: it can be run in the image
};

inline TorchImage torch_image(const std::string& name) {
  namespace files = std::filesystem;
  TorchImage image;
  image.name = name;
  image.root = inputs() / "image" / name;
  // "cp312"
  const std::string minor = "3." + name.substr(name.rfind("-cp3") + 4);
  image.runs = files::exists(image.root + "/usr/bin/python" + minor);
  image.python = (image.runs ? "/usr/bin/python" : "/usr/local/bin/python") + minor;
  image.site = "/usr/local/lib/python" + minor + (image.runs ? "/dist-packages" : "/site-packages");
  image.torch = image.site + "/torch";
  for (const auto& file : entries_of(image.root + image.torch))
    if (file.filename().string().starts_with("_C.") && file.extension() == ".so")
      image.extension = image.torch + "/" + file.filename().string();
  EXPECT_NE(image.extension, "") << image.root;
  return image;
}

inline std::vector<TorchImage> torch_images() {
  std::vector<TorchImage> images;
  for (const auto& directory : entries_of(inputs() / "image"))
    images.push_back(torch_image(directory.filename()));
  return images;
}

}  // namespace gpuinit::test
