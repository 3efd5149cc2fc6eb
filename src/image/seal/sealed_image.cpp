#include "image/seal/sealed_image.h"

#include <algorithm>
#include <utility>

#include "image/seal/sealed_start.h"
#include "image/seal/witnesses.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kMostChanges = 10;

// What is not as it was when the image was sealed.
std::vector<std::string> changes(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                                 const FoundSeal& found) {
  if (!found.seal) return {found.path + ": " + found.seal.error().message};
  const Seal& seal = *found.seal;
  // An image whose times are cut to its SOURCE_DATE_EPOCH has a seal from before it was made.
  std::optional<std::int64_t> latest;
  if (found.modified < seal.sealed_at) latest = found.modified;
  auto changed = changed_witnesses(query.fs, seal.witnesses, latest, kMostChanges);
  const auto mounts = mounts_over(query.fs, seal.witnesses);
  if (!mounts) changed.push_back("what is mounted cannot be told: " + mounts.error().message);
  else
    for (const std::string& mount : *mounts)
      if (std::find(seal.mounts.begin(), seal.mounts.end(), mount) == seal.mounts.end())
        changed.push_back("something is mounted on " + mount);
  const std::string machine = seal.pythons.front().facts.interpreter->machine.value_or("");
  for (const auto& [name, path] : seal.library_cache) {
    const auto* now = libraries.in_cache(name, machine);
    if ((now == nullptr ? std::string() : now->path) != path)
      changed.push_back("ld.so.cache has another " + name);
  }
  if (changed.size() > kMostChanges) changed.resize(kMostChanges);
  return changed;
}

void add_first_entry(Interpreter& python, const std::string& first) {
  if (first.empty()) return;
  auto& entries = python.sys_path.value();
  entries.insert(entries.begin(), first);
}

// Of the start, with the first entry of its sys.path; or null, and why.
SealedPython* fitting_python(const ImageQuery& query, const PythonStart& start, std::string& first,
                             std::string& unused_because) {
  Seal& seal = *query.seal->seal;
  if (seal.include != query.extensions.include || seal.exclude != query.extensions.exclude) {
    unused_because = "the policy has other extensions.include or extensions.exclude";
    return nullptr;
  }
  for (SealedPython& sealed : seal.pythons) {
    unused_because = difference_of_start(query, seal, sealed, start);
    if (!unused_because.empty()) continue;
    auto entry = own_entry(query.fs, start, *sealed.facts.interpreter);
    if (entry) {
      first = std::move(entry).value();
      return &sealed;
    }
    unused_because = entry.error().message;
    return nullptr;
  }
  return nullptr;
}

}  // namespace

bool take_from_seal(const ImageQuery& query, const ldso::LibrarySearch& libraries,
                    const ChosenPython& chosen, ImageFacts& facts,
                    std::optional<PythonStart>* started) {
  if (query.seal == nullptr) {
    facts.seal = Fact<SealState>::absent("the image has no seal");
    return false;
  }
  SealState state{query.seal->path, {}, ""};
  // What another user may not look at would seem to be gone.
  const auto& seal = query.seal->seal;
  if (seal && !seal->readable_by_all && seal->uid != user_of(query))
    state.unused_because = "it is another user's, and not everybody may read what was sealed";
  else state.changes = changes(query, libraries, *query.seal);
  std::string first;
  SealedPython* const fitting =
      state.changes.empty() && state.unused_because.empty()
          ? fitting_python(query, chosen.start, first, state.unused_because)
          : nullptr;
  facts.seal = std::move(state);
  if (fitting == nullptr) return false;
  Interpreter& python = fitting->facts.interpreter.value();
  python.path = chosen.start.interpreter;
  python.chosen_because = chosen.because;
  python.from_command = chosen.followed;
  add_first_entry(python, first);
  if (query.sys_path_is_known) query.sys_path_is_known(*python.sys_path);
  if (started != nullptr) {
    *started = chosen.start;
    if (fitting->libpython) (*started)->libpython = *fitting->libpython;
    else (*started)->libpython = Error{fitting->libpython.reason()};
    (*started)->release = plain_release(python.soabi.value_or(""));
  }
  ImageFacts& sealed = fitting->facts;
  facts.unread = std::move(sealed.unread);
  facts.interpreter = std::move(sealed.interpreter);
  facts.glibc = std::move(sealed.glibc);
  facts.cpu_level = std::move(sealed.cpu_level);
  facts.cpu_level_of = std::move(sealed.cpu_level_of);
  facts.torch = std::move(sealed.torch);
  if (query.cuda_is_known && facts.torch && facts.torch->cuda.known()) query.cuda_is_known();
  facts.cuda_runtime = std::move(sealed.cuda_runtime);
  facts.loader = std::move(sealed.loader);
  facts.frameworks = std::move(sealed.frameworks);
  facts.extensions = std::move(sealed.extensions);
  facts.packages = std::move(sealed.packages);
  return true;
}

ImageFacts sealed_facts(Seal seal) {
  SealedPython& own = seal.pythons.front();
  add_first_entry(own.facts.interpreter.value(), own.first_entry);
  own.facts.seal = Fact<SealState>::absent("these facts are the seal's");
  return std::move(own.facts);
}

}  // namespace gpuinit::image
