#include "assess/saved_facts.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/json.h"
#include "facts/facts_json.h"
#include "facts/seal_file.h"
#include "image/seal/sealed_image.h"

namespace gpuinit::assess {

namespace {

Result<base::Json> read_json(const std::string& path) {
  auto text = base::read_own_file(path);
  if (!text) return std::move(text).error();
  return base::parse_json(*text);
}

}  // namespace

Result<NodeFacts> node_from_file(const std::string& directory, const std::string& file) {
  auto json = read_json(base::join(directory, file));
  if (!json) return std::move(json).error().context(file);
  auto node = facts::node_from_json(*json);
  if (!node) return std::move(node).error().context(file);
  return node;
}

Result<ImageFacts> image_from_file(const std::string& directory, const std::string& file) {
  const auto machine = base::RootFs::open("/");
  if (!machine) return machine.error();
  const std::string path = base::join(directory, file);
  const auto source = machine->open_file(path);
  if (!source) return source.error();
  if (facts::is_seal(*source)) {
    auto seal = facts::read_seal(*source);
    if (!seal) return std::move(seal).error().context(file);
    return image::sealed_facts(std::move(seal).value());
  }
  auto json = read_json(path);
  if (!json) return std::move(json).error().context(file);
  auto image = facts::image_from_json(*json);
  if (!image) return std::move(image).error().context(file);
  return image;
}

std::optional<image::FoundSeal> find_seal(const base::RootFs& fs, const std::string& path) {
  if (path.empty()) return std::nullopt;
  const auto file = fs.open_file(path);
  if (!file) {
    if (file.error().code == ENOENT) return std::nullopt;
    return image::FoundSeal{path, 0, file.error()};
  }
  struct stat status {};
  if (::fstat(file->fd(), &status) != 0) return image::FoundSeal{path, 0, errno_error(path)};
  return image::FoundSeal{path, status.st_mtime, facts::read_seal(*file)};
}

}  // namespace gpuinit::assess
