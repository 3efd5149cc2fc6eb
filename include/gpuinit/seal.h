// The seal: facts of an image, written when it was built, with the witnesses that must be
// unchanged for them to hold.
//
// A cache of what fits together, no signature: a rewrite that keeps size and time of a file goes
// unseen. Times are whole seconds, since image layers keep no more; no inode and no ctime, since
// every container has its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gpuinit/fact.h"
#include "gpuinit/image_facts.h"

namespace gpuinit {

// One name in a directory that the facts rest on.
struct Witness {
  enum class Kind : std::uint8_t {
    kFile,    // of this size, time and mode
    kOther,   // a directory, or what is not a file: it is there, with this mode
    kLink,    // a symlink with this target
    kAbsent,  // there is nothing of that name
  };
  Kind kind = Kind::kFile;
  std::string name;
  std::uint64_t size = 0;     // bytes; kFile
  std::int64_t modified = 0;  // seconds since 1970; kFile
  std::uint32_t mode = 0;     // with the type, as st_mode; kFile, kOther
  std::string target;         // kLink
  bool operator==(const Witness&) const = default;
};

struct WitnessDirectory {
  std::string path;     // absolute, without a symlink in it
  bool listed = false;  // all of its names mattered, so its time must be the same
  // Seconds since 1970; while it is the same nothing has come, so that no name need be looked for
  // that was not there. 0: it does not exist.
  std::int64_t modified = 0;
  std::vector<Witness> names;  // sorted
  bool operator==(const WitnessDirectory&) const = default;
};

// The facts of one interpreter as every command gets them that starts it with the same options and
// variables. Its first entry of sys.path, the command's own directory, is left out: it is looked at
// in each start.
struct SealedPython {
  ImageFacts facts;
  std::string first_entry;          // of sys.path when it was sealed; empty: it had none
  bool isolated = false;            // -I
  bool ignore_environment = false;  // -E
  bool no_user_site = false;        // -s
  bool no_site = false;             // -S
  // Those that were consulted and are set. HOME only where a user site counts, and then always.
  std::map<std::string, std::string> variables;
  std::string working_directory;  // where PYTHONPATH has a relative entry; empty: it does not count
  // The file to embed this interpreter with (the Python probe); absent: it cannot be embedded.
  Fact<std::string> libpython;
  bool operator==(const SealedPython&) const = default;
};

struct Seal {
  std::int64_t sealed_at = 0;  // seconds since 1970
  // extensions.include and .exclude of the policy that it was made with.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // The start that it was made for, and the policy's interpreter where that is another.
  std::vector<SealedPython> pythons;
  std::vector<WitnessDirectory> witnesses;
  // Every user may read what was read. False: the facts hold for the user `uid` only.
  bool readable_by_all = false;
  std::uint32_t uid = 0;
  // Names that ld.so.cache was asked for and the path it gave; empty: none. The cache itself is the
  // node's: the container toolkit rewrites it at start.
  std::map<std::string, std::string> library_cache;
  // Mount points on which something sealed lay already then.
  std::vector<std::string> mounts;
  bool operator==(const Seal&) const = default;
};

}  // namespace gpuinit
