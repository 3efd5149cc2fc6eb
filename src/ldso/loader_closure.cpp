// Names, loading and the walk; what is looked up in the result is in closure_scope.cpp.
#include "ldso/loader_closure.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/library_names.h"
#include "base/text.h"
#include "ldso/loader_rules.h"

namespace gpuinit::ldso {

namespace {

constexpr const char* kPreloadFile = "/etc/ld.so.preload";
constexpr std::uint64_t kMaxPreloadFile = 64ULL * 1024;  // bytes

// Why an ELF file is not for the loader to load; empty if it is.
std::string not_loadable(const elf::ElfFile& elf, const elf::Dynamic& dynamic) {
  if (!elf.is_shared_object_or_pie()) return "a program of type EXEC, not a library";
  if (dynamic.is_program) return "a position-independent program, not a library";
  if (!dynamic.present) return "has no dynamic section";
  return "";
}

// A file that could be read and is not for the loader.
Error not_usable(Error why) {
  if (!is_unread(why.code)) why.code = ENOEXEC;
  return why;
}

}  // namespace

Result<LoaderClosure> LoaderClosure::of_program(
    const base::RootFs& fs, const LibrarySearch& search,
    const std::map<std::string, std::string>& environment, const std::string& program) {
  auto real = fs.resolve(program);
  if (!real) return std::move(real).error();
  auto elf = elf::ElfFile::open(fs, *real);
  if (!elf) return std::move(elf).error();
  auto interpreter = elf->interpreter();
  if (!interpreter) return std::move(interpreter).error();
  auto dynamic = elf->dynamic();
  if (!dynamic) return std::move(dynamic).error();

  LoaderClosure closure(fs, search);
  closure.machine_ = elf->machine();
  constexpr std::string_view kStackTunable = "glibc.rtld.execstack=";
  if (const auto tunables = environment.find("GLIBC_TUNABLES"); tunables != environment.end())
    for (const std::string_view one : base::split(tunables->second, ':'))  // the last one holds
      if (one.starts_with(kStackTunable))
        closure.stack_tunable_ = one.substr(kStackTunable.size()) == "2";
  if (interpreter->has_value()) {
    closure.loader_path_ = **interpreter;
    const LoaderFamily family = loader_family(closure.loader_path_);
    const std::string leads_to = fs.resolve(closure.loader_path_).value_or("");
    if (family == LoaderFamily::kMusl || loader_family(leads_to) == LoaderFamily::kMusl) {
      closure.unknown_because_ =
          *real + " runs with musl's loader, which has search rules of its own";
    } else if (family == LoaderFamily::kOther) {
      closure.unknown_because_ = *real + " asks for the loader " + closure.loader_path_ +
                                 ", whose directories are not known";
    }
  } else if (dynamic->needed.empty()) {
    closure.unknown_because_ = *real + " is linked statically and loads nothing";
  }
  // The program's file is not entered by device and inode: the kernel mapped it.
  closure.objects_.push_back({program,
                              kProgram,
                              *real,
                              *real,
                              "program",
                              kProgram,
                              std::move(dynamic).value(),
                              {},
                              std::move(elf).value()});
  closure.start_ = {kProgram};
  const std::string& soname = closure.objects_[kProgram].dynamic.soname;
  if (!soname.empty()) closure.by_name_.emplace(soname, kProgram);
  if (!closure.unknown_because_.empty()) return closure;

  if (!closure.loader_path_.empty()) {
    auto loader = fs.open_file(closure.loader_path_);
    if (!loader) {
      closure.miss(closure.loader_path_, kProgram, std::move(loader).error());
      closure.loader_path_.clear();
    } else if (auto opened = elf::ElfFile::open(*loader)) {
      if (auto own = opened->dynamic()) closure.loader_soname_ = own->soname;
    }
  }
  const auto variable = environment.find("LD_PRELOAD");
  if (variable != environment.end())
    closure.preload(preload_variable(variable->second), "LD_PRELOAD");
  if (auto text = fs.read_file(kPreloadFile, kMaxPreloadFile))
    closure.preload(preload_file(*text), kPreloadFile);
  closure.follow(closure.start_);
  closure.take_in_loader(kProgram);
  return closure;
}

void LoaderClosure::preload(const std::vector<std::string>& names, const std::string& rule) {
  const Requester requester = requester_of(kProgram);
  for (const std::string& name : names) {
    const std::size_t missing_before = missing_.size();
    const std::size_t objects_before = objects_.size();
    const std::size_t object = request(name, requester, kProgram, rule);
    for (std::size_t i = missing_before; i < missing_.size(); ++i) missing_[i].is_preload = true;
    if (object != kMissing && objects_.size() > objects_before) start_.push_back(object);
  }
}

Result<std::size_t> LoaderClosure::open(const std::string& name, std::size_t caller,
                                        Symbols symbols) {
  if (!unknown_because_.empty()) return Error{unknown_because_, ENOTSUP};
  loading_for_ = objects_.size();  // which it becomes if it is new
  const std::size_t missing_before = missing_.size();
  const std::size_t object =
      request(name, requester_of(caller), caller, "dlopen by " + objects_[caller].path);
  if (object == kMissing) {
    Error why{missing_.back().reason, missing_.back().code};
    missing_.resize(missing_before);
    return why;
  }
  follow({object});
  if (symbols == Symbols::kGlobal &&
      std::find(global_.begin(), global_.end(), object) == global_.end())
    global_.push_back(object);
  return object;
}

// Breadth first: all that the first object needs before what these need in turn.
void LoaderClosure::follow(std::vector<std::size_t> queue) {
  std::vector<bool> queued(kMaxObjects + 2);
  for (const std::size_t object : queue) queued[object] = true;
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const std::size_t object = queue[at];
    const std::vector<std::string> needed = objects_[object].dynamic.needed;
    if (objects_[object].needs.empty() && !needed.empty()) {
      const Requester requester = requester_of(object);
      for (const std::string& name : needed) {
        // The node's driver is no part of the image: what is asked of it is looked up there.
        const bool of_node = base::is_driver_library(name) && answering_to(name) == kMissing;
        const std::size_t found = of_node ? kMissing : request(name, requester, object, "");
        objects_[object].needs.push_back(found);  // request() may have moved the objects
      }
    }
    for (const std::size_t need : objects_[object].needs) {
      if (need == kMissing || queued[need]) continue;
      queued[need] = true;
      queue.push_back(need);
    }
  }
}

// One name: loaded already by name, found and loaded already under another name, or new.
// `rule` is how it is found if `name` is a path; empty: it stands in a DT_NEEDED.
std::size_t LoaderClosure::request(const std::string& name, const Requester& requester,
                                   std::size_t by, const std::string& rule) {
  if (const std::size_t loaded = already_loaded(name, by); loaded != kMissing) return loaded;
  auto opened = search_->open(name, requester, machine_);
  if (!opened) return miss(name, by, std::move(opened).error()), kMissing;
  if (!rule.empty()) {
    std::string& found_by = opened->found.found_by;
    found_by = name.find('/') != std::string::npos ? rule : rule + ", " + found_by;
  }
  const auto id = opened->id;
  if (const auto same = by_file_.find(id); same != by_file_.end())
    return by_name_.emplace(name, same->second), same->second;

  const std::string path = opened->found.path;
  auto dynamic = opened->elf.dynamic();
  if (!dynamic) return miss(name, by, not_usable(std::move(dynamic).error())), kMissing;
  if (const std::string why = not_loadable(opened->elf, *dynamic); !why.empty())
    return miss(name, by, {path + ": " + why, ENOEXEC}), kMissing;
  if (dynamic->executable_stack && loading_for_ != kProgram && refuses_executable_stack())
    return miss(name, by, {path + ": " + std::string(kRefusesStack), ENOEXEC}), kMissing;
  if (objects_.size() >= kMaxObjects)
    return miss(name, by,
                limit_error(objects_[kProgram].path,
                            "it loads more than " + std::to_string(kMaxObjects) + " libraries")),
           kMissing;
  const std::size_t object = add(std::move(opened).value(), std::move(dynamic).value(), name, by);
  by_file_.emplace(id, object);
  return object;
}

// Since 2.41 the loader makes the stack executable for what the program starts with only; then it
// is for what is opened later as well. That glibc is known by a version that its libc defines.
bool LoaderClosure::refuses_executable_stack() const {
  const std::size_t libc = answering_to("libc.so.6");
  if (stack_tunable_ || libc == kMissing) return false;
  for (const LoadedObject& object : objects_)
    if (object.loaded_for == kProgram && object.dynamic.executable_stack) return false;
  const auto versions = objects_[libc].elf.defined_versions();
  return versions && *versions &&
         std::ranges::find(**versions, "GLIBC_2.41", &elf::VersionDefinition::name) !=
             (*versions)->end();
}

std::size_t LoaderClosure::add(OpenedLibrary opened, elf::Dynamic dynamic, const std::string& name,
                               std::size_t by) {
  const std::size_t object = objects_.size();
  FoundLibrary& found = opened.found;
  // The first object to have a name keeps it.
  by_name_.emplace(name, object);
  by_name_.emplace(found.path, object);
  if (!dynamic.soname.empty()) by_name_.emplace(dynamic.soname, object);
  objects_.push_back({name,
                      by,
                      found.path,
                      found.real_path,
                      found.found_by,
                      loading_for_,
                      std::move(dynamic),
                      {},
                      std::move(opened.elf)});
  return object;
}

std::size_t LoaderClosure::already_loaded(const std::string& name, std::size_t by) {
  if (!loader_path_.empty() && (name == loader_path_ || name == loader_soname_)) take_in_loader(by);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kMissing : found->second;
}

void LoaderClosure::take_in_loader(std::size_t by) {
  if (loader_path_.empty()) return;
  const std::string path = std::exchange(loader_path_, "");
  auto opened = search_->open(path, requester_of(kProgram), machine_);
  if (!opened) return miss(path, kProgram, std::move(opened).error());
  auto dynamic = opened->elf.dynamic();
  if (!dynamic) return miss(path, kProgram, not_usable(std::move(dynamic).error()));
  opened->found.found_by = "PT_INTERP of " + objects_[kProgram].path;
  add(std::move(opened).value(), std::move(dynamic).value(), path, by);
}

void LoaderClosure::miss(const std::string& name, std::size_t by, Error why) {
  missing_.push_back({name, by, why.code, std::move(why.message), false});
}

// DT_RPATH serves what an object needs and what that needs in turn, up to the program.
Requester LoaderClosure::requester_of(std::size_t object) const {
  const LoadedObject& from = objects_[object];
  Requester requester{from.path, from.dynamic.rpath, from.dynamic.runpath};
  requester.program = objects_[kProgram].path;
  requester.has_runpath = from.dynamic.has_runpath;
  requester.no_default_directories = from.dynamic.no_default_directories;
  for (std::size_t at = object; at != kProgram;) {
    at = objects_[at].asked_by;
    const elf::Dynamic& dynamic = objects_[at].dynamic;
    if (!dynamic.has_runpath && !dynamic.rpath.empty())
      requester.loaders.push_back({objects_[at].path, dynamic.rpath});
  }
  return requester;
}

}  // namespace gpuinit::ldso
