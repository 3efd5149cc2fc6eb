#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <string_view>

#include "base/directory.h"
#include "base/open_in_root.h"
#include "base/text.h"
#include "image/seal/witnesses.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMostOpen = 64;  // a process may have 1,024 open files as a rule

bool is_of_node(std::string_view path) {
  for (const std::string_view place : {"/proc", "/sys", "/dev"})
    if (path == place || (path.starts_with(place) && path[place.size()] == '/')) return true;
  return path == "/etc/ld.so.cache";
}

Witness witness_of(const std::string& name, const base::EntryStatus& status) {
  Witness witness;
  witness.name = name;
  witness.mode = status.mode;
  witness.kind = S_ISREG(status.mode) ? Witness::Kind::kFile : Witness::Kind::kOther;
  if (witness.kind == Witness::Kind::kFile) {
    witness.size = status.size;
    witness.modified = status.modified;
  }
  return witness;
}

// Walks each path as the kernel does, one name at a time.
class Maker {
 public:
  explicit Maker(const base::RootFs& fs) : fs_(fs) {}

  void add(const std::string& path) { walk(path); }

  void add_listing(const std::string& path) {
    const std::string real = walk(path);
    if (!real.empty()) found(real).directory.listed = true;
  }

  std::vector<WitnessDirectory> take() {
    std::vector<WitnessDirectory> all;
    for (auto& [path, found] : directories_) {
      if (const base::Directory* directory = opened(path))
        if (const auto status = directory->status()) found.directory.modified = status->modified;
      for (auto& [name, witness] : found.names) {
        // It is opened itself.
        if (S_ISDIR(witness.mode) && directories_.contains(base::join(path, name))) continue;
        found.directory.names.push_back(std::move(witness));
      }
      all.push_back(std::move(found.directory));
    }
    return all;
  }

 private:
  struct Found {
    WitnessDirectory directory;
    std::map<std::string, Witness> names;
  };

  Found& found(const std::string& path) {
    Found& one = directories_[path];
    one.directory.path = path;
    return one;
  }
  // Null if it is not there. Good until the next is asked for.
  const base::Directory* opened(const std::string& path) {
    const auto known = open_.find(path);
    if (known != open_.end()) return known->second ? &*known->second : nullptr;
    if (open_.size() >= kMostOpen) open_.clear();
    auto directory = base::Directory::open_exact(fs_, path);
    auto& kept = open_[path];
    if (directory) kept = std::move(directory).value();
    return kept ? &*kept : nullptr;
  }

  // Where it leads to; empty if it is not there, or of the node.
  std::string walk(const std::string& path) {
    std::deque<std::string> rest;
    for (const auto part : base::split(path, '/')) rest.emplace_back(part);
    std::string here = "/";
    int links = 0;
    while (!rest.empty()) {
      const std::string name = std::move(rest.front());
      rest.pop_front();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        here = base::parent(here);
        continue;
      }
      const std::string next = base::join(here, name);
      if (is_of_node(next)) return "";
      const base::Directory* directory = opened(here);
      const auto status = directory == nullptr ? Error{"", ENOENT} : directory->status_of(name);
      if (!status) return add_absent(next, rest), "";
      if (S_ISLNK(status->mode)) {
        const auto target = directory->read_link(name);
        if (!target || ++links > base::kMaxLinks) return "";
        add_link(here, name, *target);
        const auto parts = base::split(*target, '/');
        rest.insert(rest.begin(), parts.begin(), parts.end());
        if (target->starts_with('/')) here = "/";
        continue;
      }
      if (rest.empty()) found(here).names.try_emplace(name, witness_of(name, *status));
      here = next;
    }
    return here;
  }

  // The whole path is not there: a directory on the way may come, and be empty.
  void add_absent(const std::string& missing, const std::deque<std::string>& rest) {
    std::string path = missing;
    for (const std::string& part : rest) path += "/" + part;
    path = base::normalize(path);
    Witness witness;
    witness.kind = Witness::Kind::kAbsent;
    witness.name = base::basename(path);
    found(std::string(base::parent(path))).names.try_emplace(witness.name, witness);
  }

  void add_link(const std::string& directory, const std::string& name, const std::string& target) {
    Witness witness;
    witness.kind = Witness::Kind::kLink;
    witness.name = name;
    witness.target = target;
    found(directory).names.try_emplace(name, std::move(witness));
  }

  const base::RootFs& fs_;
  std::map<std::string, Found> directories_;
  std::map<std::string, std::optional<base::Directory>> open_;
};

}  // namespace

std::vector<WitnessDirectory> make_witnesses(const base::RootFs& fs, const base::ReadLog& log) {
  Maker maker(fs);
  for (const std::string& path : log.paths) maker.add(path);
  for (const std::string& path : log.listed) maker.add_listing(path);
  return maker.take();
}

bool are_readable_by_all(const base::RootFs& fs, const std::vector<WitnessDirectory>& witnesses) {
  for (const WitnessDirectory& directory : witnesses) {
    const auto opened = base::Directory::open_exact(fs, directory.path);
    if (!opened) continue;  // not there
    const auto status = opened->status();
    if (!status || (status->mode & S_IXOTH) == 0) return false;
    if (directory.listed && (status->mode & S_IROTH) == 0) return false;
    for (const Witness& name : directory.names)
      if (name.kind == Witness::Kind::kFile && (name.mode & S_IROTH) == 0) return false;
  }
  return true;
}

}  // namespace gpuinit::image
