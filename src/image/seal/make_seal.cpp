// The making of a seal: the image is read under a log, and what the log has become witnesses.
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "image/frameworks/read_frameworks.h"
#include "image/read_python_image.h"
#include "image/seal/sealed_image.h"
#include "image/seal/sealed_start.h"
#include "image/seal/witnesses.h"
#include "image/start/kept_words.h"
#include "image/start/start_needs.h"

namespace gpuinit::image {

namespace {

class Sealer {
 public:
  Sealer(base::RootFs& fs, const ImageQuery& query) : fs_(fs), query_(query) {}

  Result<Seal> seal() {
    seal_.uid = user_of(query_);
    Start start = follow(query_.command);
    if (!start.python) return std::move(start.python).error();
    const std::vector<std::string> words = kept_words(query_.command, start);
    auto own = python(std::move(start.python).value());
    if (!own) return std::move(own).error();
    own->facts.compat_libraries = read_compat_libraries(fs_);  // read anew in a start
    own->facts.command = words;
    own->facts.start = std::move(start.steps);
    own->facts.program = std::move(start.program);
    read_user(query_, start, own->facts);
    seal_.pythons.push_back(std::move(own).value());
    Start fallback = follow({});
    if (fallback.python &&
        !difference_of_start(query_, seal_, seal_.pythons[0], fallback.python->start).empty())
      if (auto other = python(std::move(fallback.python).value()))
        seal_.pythons.push_back(std::move(other).value());
    return finish();
  }

 private:
  Start follow(const std::vector<std::string>& command) const {
    return follow_command({fs_, command, query_.environment, query_.working_directory,
                           query_.fallback_interpreter, query_.uid});
  }

  // Read without its first entry of sys.path, which is another in every start.
  Result<SealedPython> python(ChosenPython chosen) {
    SealedPython sealed;
    PythonStart start = chosen.start;
    const ldso::LibrarySearch libraries(fs_, start.environment);
    fs_.log_to(&log_);
    log_.home = false;
    chosen.start.options.runs = PythonOptions::Runs::kUnknown;
    chosen.binary = PythonBinary::open(fs_, start.interpreter, libraries);
    std::optional<PythonStart> started;
    read_python_image(query_, libraries, std::move(chosen), sealed.facts, &started);
    fs_.log_to(nullptr);
    read_toolchain(fs_, start, sealed.facts);
    sealed.facts.root = query_.root;
    sealed.libpython = started->libpython
                           ? Fact<std::string>(*started->libpython)
                           : Fact<std::string>::absent(started->libpython.error().message);
    const Interpreter& interpreter = *sealed.facts.interpreter;
    if (!interpreter.sys_path)
      return Error{"sys.path is not known: " + interpreter.sys_path.reason()};
    auto entry = own_entry(fs_, start, interpreter);
    if (!entry) return std::move(entry).error();
    sealed.first_entry = std::move(entry).value();
    sealed.isolated = start.options.isolated;
    sealed.ignore_environment = start.options.ignore_environment;
    sealed.no_user_site = start.options.no_user_site;
    sealed.no_site = start.options.no_site;
    sealed.variables = heeded_variables(start.environment, log_.home);
    sealed.working_directory = heeded_directory(start);
    return sealed;
  }

  Result<Seal> finish() {
    seal_.include = query_.extensions.include;
    seal_.exclude = query_.extensions.exclude;
    seal_.library_cache = log_.library_cache;
    seal_.witnesses = make_witnesses(fs_, log_);
    seal_.readable_by_all = are_readable_by_all(fs_, seal_.witnesses);
    auto mounts = mounts_over(fs_, seal_.witnesses);
    if (!mounts) return std::move(mounts).error();
    seal_.mounts = std::move(mounts).value();
    wait_out_the_second();
    const auto changed = changed_witnesses(fs_, seal_.witnesses, std::nullopt, 1);
    if (!changed.empty()) return Error{"the image changes while it is sealed: " + changed[0]};
    return std::move(seal_);
  }

  // What is written in the second in which it was looked at keeps its time. Times to come are
  // somebody else's clock.
  void wait_out_the_second() {
    const std::int64_t now = std::time(nullptr);
    bool in_this_second = false;
    for (const WitnessDirectory& directory : seal_.witnesses) {
      in_this_second = in_this_second || directory.modified == now;
      for (const Witness& name : directory.names)
        in_this_second = in_this_second || name.modified == now;
    }
    if (in_this_second) ::usleep(1'000'000);
    seal_.sealed_at = std::time(nullptr);
  }

  base::RootFs& fs_;
  const ImageQuery& query_;
  base::ReadLog log_;
  Seal seal_;
};

}  // namespace

Result<Seal> make_seal(base::RootFs& fs, const ImageQuery& query) {
  return Sealer(fs, query).seal();
}

}  // namespace gpuinit::image
