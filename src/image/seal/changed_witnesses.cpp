#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/directory.h"
#include "image/seal/witnesses.h"

namespace gpuinit::image {

namespace {

// What this user may not look at is not there for this user.
bool is_absence(int code) { return code == ENOENT || code == EACCES || code == ENOTDIR; }

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
      if (has_something(was) || !is_absence(place.error().code))
        changes.push_back(was.path + " is no longer that directory");
      return;
    }
    bool same_time = false;
    if (was.listed || !std::ranges::all_of(was.names, is_there)) {
      const auto status = place->status();
      if (!status && is_absence(status.error().code) && !has_something(was)) return;
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
    if (was.listed && same_time) keep(was.path, *place);
  }

 private:
  // A directory, or one by its name in another: half the system calls.
  struct Place {
    std::shared_ptr<const base::Directory> directory;
    std::string below;  // "name/"; empty: the directory itself

    Result<base::EntryStatus> status() const {
      if (below.empty()) return directory->status();
      return directory->status_of(below.substr(0, below.size() - 1));
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

  void keep(const std::string& path, const Place& place) {
    if (kept_.size() >= kMostKept) return;
    if (place.below.empty()) {
      kept_.emplace(path, place.directory);
    } else if (auto opened = place.directory->open_entry(std::string(base::basename(path)))) {
      kept_.emplace(path, std::make_shared<const base::Directory>(std::move(opened).value()));
    }
  }

  std::int64_t cut(std::int64_t time) const { return latest_ ? std::min(time, *latest_) : time; }

  // Null if there is none.
  const char* difference(const Place& place, const Witness& was) const {
    const base::Directory& directory = *place.directory;
    const std::string name = place.below + was.name;
    const auto status = directory.status_of(name);
    if (was.kind == Witness::Kind::kAbsent) {
      if (!status && is_absence(status.error().code)) return nullptr;
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

}  // namespace

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

}  // namespace gpuinit::image
