// What the glibc loader would map for a program and for the libraries that are
// dlopen'ed into it later: every object, in the order of loading, and what is missing.
//
// Source: ld.so(8); glibc, elf/dl-load.c (names, search), elf/dl-deps.c (breadth first),
// elf/rtld.c (LD_PRELOAD, /etc/ld.so.preload, the loader itself), elf/dl-open.c; NEWS for 2.41
// (dlopen fails where a library asks for an executable stack; the tunable glibc.rtld.execstack,
// whose 2 the first releases of 2.41 do not know: bug 32653). What is simplified: the loader stops
// at the first missing library, we go on as it does under LD_TRACE_LOADED_OBJECTS; DT_FILTER,
// DT_AUXILIARY, LD_AUDIT, dlmopen and set-user-ID programs are not modelled. What LibrarySearch
// takes for granted holds here too.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/root_fs.h"
#include "elf/elf_file.h"
#include "gpuinit/result.h"
#include "ldso/library_search.h"

namespace gpuinit::ldso {

// An object that the loader has mapped. Objects are named by their index.
struct LoadedObject {
  std::string name;        // as it was asked for first; the program's path for the program
  std::size_t asked_by;    // who asked first; itself for the program
  std::string path;        // as the loader opens it; the program's real path
  std::string real_path;   // symlinks resolved inside the root
  std::string found_by;    // FoundLibrary::found_by, or "LD_PRELOAD", "/etc/ld.so.preload",
                           // "dlopen by /a", "PT_INTERP of /a", "program"
  std::size_t loaded_for;  // the object whose loading brought it in: the program or what was opened
  elf::Dynamic dynamic;
  std::vector<std::size_t> needs;  // one for each of dynamic.needed; kMissing where it is missing
  elf::ElfFile elf;                // owns the descriptor that it is read through
};

// A library that an object asks for and does not get.
struct LoadFailure {
  std::string name;       // as asked for
  std::size_t needed_by;  // an object; the program for a preload
  // ENOENT: nowhere. ENOEXEC: a file is there that the loader cannot use, and it fails on it.
  // Otherwise what the system said when the file was opened or read (EISDIR, EMFILE, …), or
  // kOwnLimit. Of what is_unread() nothing is known.
  int code = 0;
  std::string reason;       // in words, with the path where there is a file
  bool is_preload = false;  // the loader warns and goes on
};

// How the reason ends where the loader gives no library an executable stack.
inline constexpr std::string_view kRefusesStack =
    "cannot enable executable stack as shared object requires";

class LoaderClosure {
 public:
  static constexpr std::size_t kProgram = 0;
  static constexpr std::size_t kMissing = static_cast<std::size_t>(-1);
  // Each object keeps a descriptor open; the soft limit of those is 1024 by default. The
  // most seen: 290, of Debian's torch.
  static constexpr std::size_t kMaxObjects = 800;

  enum class Symbols { kLocal, kGlobal };  // RTLD_LOCAL, RTLD_GLOBAL

  // `program` is a path inside the root; its symlinks are resolved, as the kernel does. A
  // shared library is taken as `ld.so library` takes it. `fs` and `search` must outlive the
  // closure; from `environment` only LD_PRELOAD is read here. Errors: the program itself
  // cannot be read as ELF.
  static Result<LoaderClosure> of_program(const base::RootFs& fs, const LibrarySearch& search,
                                          const std::map<std::string, std::string>& environment,
                                          const std::string& program);

  // Why nothing can be said about what is loaded: the program's loader goes by other rules
  // (musl, or a glibc with directories of its own) or the program has none (static). Empty if
  // something can. Otherwise the program is the only object and nothing can be opened.
  const std::string& unknown_because() const { return unknown_because_; }

  // dlopen: `name` is a path or a SONAME; `caller` is the object that calls dlopen and whose
  // RPATH or RUNPATH serves a SONAME. What is loaded already wins over any search. Returns the
  // object; an error, with the code of LoadFailure, if it cannot be loaded. What it needs
  // and does not find is in missing().
  Result<std::size_t> open(const std::string& name, std::size_t caller = kProgram,
                           Symbols symbols = Symbols::kLocal);

  const std::vector<LoadedObject>& objects() const { return objects_; }
  // Of an object.
  elf::SymbolTable& symbols_of(std::size_t object) const {
    return search_->symbols_of(objects_[object].elf);
  }
  // In the order in which the loader comes upon them; a name once for each object that needs it.
  const std::vector<LoadFailure>& missing() const { return missing_; }

  // The object that answers to a name that some object asked for, or to a path; kMissing if
  // no object does.
  std::size_t answering_to(const std::string& name) const;

  // The first of the objects that ask for the highest level of x86-64 (elf::Dynamic::cpu_level);
  // kMissing if none asks for any. Those in glibc-hwcaps are not meant: another CPU has others.
  std::size_t most_demanding() const;

  // Where symbols of an object are looked for, in this order: the program, the preloads and
  // what they need; what was opened with kGlobal before it; then the opened object that it
  // was loaded for and what that needs.
  std::vector<std::size_t> scope_of(std::size_t object) const;

  // What dlopen by `caller` would find under a name, in the order of the search; the first is what
  // it would map. Nothing is mapped. Not asked: what is loaded already.
  std::vector<FoundLibrary> candidates(const std::string& name, std::size_t caller) const {
    return search_->candidates(name, requester_of(caller), machine_);
  }
  Result<FoundLibrary> find(const std::string& name, std::size_t caller) const {
    return search_->find(name, requester_of(caller), machine_);
  }

  // Further files that would have been taken for this object, had the loader not found
  // object.path first: what it hides, in the order of the search. Costs a search of its own.
  std::vector<FoundLibrary> shadowed(std::size_t object) const;

 private:
  LoaderClosure(const base::RootFs& fs, const LibrarySearch& search) : fs_(&fs), search_(&search) {}

  void preload(const std::vector<std::string>& names, const std::string& rule);
  void follow(std::vector<std::size_t> queue);
  std::size_t request(const std::string& name, const Requester& requester, std::size_t by,
                      const std::string& rule);
  std::size_t add(OpenedLibrary opened, elf::Dynamic dynamic, const std::string& name,
                  std::size_t by);
  std::size_t already_loaded(const std::string& name, std::size_t by);
  void take_in_loader(std::size_t by);
  void miss(const std::string& name, std::size_t by, Error why);
  Requester requester_of(std::size_t object) const;
  bool refuses_executable_stack() const;
  void add_search_list(std::vector<std::size_t> roots, std::vector<std::size_t>& list) const;

  const base::RootFs* fs_;
  const LibrarySearch* search_;
  std::string machine_;
  std::string unknown_because_;
  std::vector<LoadedObject> objects_;
  std::vector<LoadFailure> missing_;
  std::vector<std::size_t> start_;   // the program and its preloads
  std::vector<std::size_t> global_;  // opened with kGlobal, in order
  std::size_t loading_for_ = kProgram;
  bool stack_tunable_ = false;  // GLIBC_TUNABLES has glibc.rtld.execstack=2
  std::unordered_map<std::string, std::size_t> by_name_;
  std::map<base::FileSource::Id, std::size_t> by_file_;
  // The loader itself is there from the beginning; it becomes an object, in the place where
  // it is needed first, because symbols are looked for in that order.
  std::string loader_path_;
  std::string loader_soname_;
};

}  // namespace gpuinit::ldso
