// An ELF file together with the descriptor it is read through.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "gpuinit/result.h"

namespace gpuinit::image {

class OpenElf {
 public:
  // Reads the headers only.
  static Result<OpenElf> open(const base::RootFs& fs, const std::string& path) {
    auto file = fs.open_file(path);
    if (!file) return std::move(file).error();
    auto source = std::make_unique<base::FileSource>(std::move(file).value());
    auto elf = elf::ElfFile::open(*source);
    if (!elf) return std::move(elf).error();
    return OpenElf(std::move(source), std::move(elf).value());
  }

  const elf::ElfFile& elf() const { return elf_; }
  const elf::ElfFile* operator->() const { return &elf_; }
  const std::string& path() const { return source_->name(); }

 private:
  OpenElf(std::unique_ptr<base::FileSource> source, elf::ElfFile elf)
      : source_(std::move(source)), elf_(std::move(elf)) {}

  std::unique_ptr<base::FileSource> source_;  // on the heap: the ElfFile points to it
  elf::ElfFile elf_;
};

}  // namespace gpuinit::image
