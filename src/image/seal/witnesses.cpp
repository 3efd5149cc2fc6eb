#include "image/seal/witnesses.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "base/directory.h"
#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr int kMaxLinks = 40;  // as the kernel's MAXSYMLINKS

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
        if (const auto status = directory->status_of("."))
          found.directory.modified = status->modified;
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
  const base::Directory* opened(const std::string& path) {
    const auto known = open_.find(path);
    if (known != open_.end()) return known->second ? &*known->second : nullptr;
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
        if (!target || ++links > kMaxLinks) return "";
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

bool is_there(const Witness& name) { return name.kind != Witness::Kind::kAbsent; }

bool has_something(const WitnessDirectory& directory) {
  return directory.listed || std::any_of(directory.names.begin(), directory.names.end(), is_there);
}

class Comparison {
  static constexpr std::size_t kMostKept = 32;  // open at a time

 public:
  Comparison(const base::RootFs& fs, std::optional<std::int64_t> latest, std::size_t most)
      : fs_(fs), latest_(latest), most_(most) {}

  std::vector<std::string> changes;

  bool goes_on() const { return changes.size() < most_; }

  void compare(const WitnessDirectory& was) {
    const auto place = place_of(was.path);
    if (!place) {
      if (has_something(was) || place.error().code != ENOENT)
        changes.push_back(was.path + " is no longer that directory");
      return;
    }
    bool same_time = false;
    if (was.listed || !std::ranges::all_of(was.names, is_there)) {
      const auto status = place->status();
      if (!status && status.error().code == ENOENT && !has_something(was)) return;
      same_time = status && S_ISDIR(status->mode) && status->modified == cut(was.modified);
    }
    if (was.listed && !same_time)
      changes.push_back(was.path + " has another time: something came or went there");
    for (const Witness& name : was.names) {
      if (!goes_on()) return;
      if (same_time && name.kind == Witness::Kind::kAbsent) continue;
      const char* what = difference(*place, name);
      if (what != nullptr) changes.push_back(base::join(was.path, name.name) + what);
    }
    if (was.listed && same_time) keep(was.path);
  }

 private:
  // A directory, or one by its name in another: half the system calls.
  struct Place {
    std::shared_ptr<const base::Directory> directory;
    std::string below;  // "name/"; empty: the directory itself

    Result<base::EntryStatus> status() const {
      return directory->status_of(below.empty() ? "." : below.substr(0, below.size() - 1));
    }
  };

  // In a directory with the time it had every name still is what it was, also of a directory.
  Result<Place> place_of(const std::string& path) const {
    if (const auto parent = kept_.find(std::string(base::parent(path))); parent != kept_.end())
      return Place{parent->second, std::string(base::basename(path)) + "/"};
    auto opened = base::Directory::open_exact(fs_, path);
    if (!opened) return std::move(opened).error();
    return Place{std::make_shared<const base::Directory>(std::move(opened).value()), ""};
  }

  void keep(const std::string& path) {
    if (kept_.size() >= kMostKept) return;
    auto opened = base::Directory::open_exact(fs_, path);
    if (opened)
      kept_.emplace(path, std::make_shared<const base::Directory>(std::move(opened).value()));
  }

  std::int64_t cut(std::int64_t time) const { return latest_ ? std::min(time, *latest_) : time; }

  // Null if there is none.
  const char* difference(const Place& place, const Witness& was) const {
    const base::Directory& directory = *place.directory;
    const std::string name = place.below + was.name;
    const auto status = directory.status_of(name);
    if (was.kind == Witness::Kind::kAbsent) {
      if (!status && status.error().code == ENOENT) return nullptr;
      return " was not there";
    }
    if (!status) return " is gone";
    if (was.kind == Witness::Kind::kLink) {
      if (!S_ISLNK(status->mode)) return " was a symlink";
      const auto target = directory.read_link(name);
      return target && *target == was.target ? nullptr : " leads elsewhere";
    }
    if ((status->mode & S_IFMT) != (was.mode & S_IFMT)) return " is of another kind";
    if (status->mode != was.mode) return " has other permissions";
    if (was.kind == Witness::Kind::kOther) return nullptr;
    if (status->size != was.size) return " has another size";
    return status->modified == cut(was.modified) ? nullptr : " has another time";
  }

  const base::RootFs& fs_;
  std::optional<std::int64_t> latest_;
  std::size_t most_;
  // Listed ones that have the time they had, by path.
  std::unordered_map<std::string, std::shared_ptr<const base::Directory>> kept_;
};

// "/a\040b" → "/a b". Source: proc(5), mountinfo.
std::string without_escapes(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && digit(text[i + 1]) && digit(text[i + 2]) &&
        digit(text[i + 3])) {
      plain +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// On a witness: a directory, one above it, or a file. The witnesses are sorted.
bool is_mounted_over(const std::string& mount, const std::vector<WitnessDirectory>& witnesses) {
  const auto find = [&](std::string_view path) {
    return std::lower_bound(
        witnesses.begin(), witnesses.end(), path,
        [](const WitnessDirectory& one, std::string_view other) { return one.path < other; });
  };
  const auto same = find(mount);
  if (same != witnesses.end() && same->path == mount && has_something(*same)) return true;
  const std::string below = mount + "/";
  for (auto at = find(below); at != witnesses.end() && at->path.starts_with(below); ++at)
    if (has_something(*at)) return true;
  const auto above = find(base::parent(mount));
  if (above == witnesses.end() || above->path != base::parent(mount)) return false;
  return std::any_of(above->names.begin(), above->names.end(), [&](const Witness& name) {
    return is_there(name) && name.name == base::basename(mount);
  });
}

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
    const auto status = opened->status_of(".");
    if (!status || (status->mode & S_IXOTH) == 0) return false;
    if (directory.listed && (status->mode & S_IROTH) == 0) return false;
    for (const Witness& name : directory.names)
      if (name.kind == Witness::Kind::kFile && (name.mode & S_IROTH) == 0) return false;
  }
  return true;
}

std::vector<std::string> changed_witnesses(const base::RootFs& fs,
                                           const std::vector<WitnessDirectory>& witnesses,
                                           std::optional<std::int64_t> latest, std::size_t most) {
  Comparison comparison(fs, latest, most);
  for (const WitnessDirectory& directory : witnesses) {
    if (!comparison.goes_on()) break;
    comparison.compare(directory);
  }
  return std::move(comparison.changes);
}

Result<std::vector<std::string>> mounts_over(const base::RootFs& fs,
                                             const std::vector<WitnessDirectory>& witnesses) {
  auto machine = base::RootFs::open("/");
  if (!machine) return std::move(machine).error();
  const auto text = machine->read_kernel_file("/proc/self/mountinfo", 16ULL * 1024 * 1024);
  if (!text) return text.error();
  const std::string root = machine->resolve(fs.root()).value_or(fs.root());
  std::vector<std::string> found;
  for (const auto line : base::split_lines(*text)) {
    const auto words = base::split_words(line);
    if (words.size() < 5) continue;
    std::string mount = without_escapes(words[4]);
    if (root != "/") {
      if (!mount.starts_with(root + "/")) continue;
      mount.erase(0, root.size());
    }
    if (mount == "/") continue;
    if (is_mounted_over(mount, witnesses)) found.push_back(std::move(mount));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace gpuinit::image
