// What a check has to say, and what all of them together decide.
#pragma once

#include <string>
#include <vector>

#include "gpuinit/exit_codes.h"

namespace gpuinit {

enum class Severity {
  kFail,       // the command cannot work: stop
  kWarn,       // worth saying, does not stop
  kUndecided,  // the check could not decide, `summary` says why; never stops
  kSkipped,    // the check does not apply here, `summary` says why
  kAccepted,   // an [[accept]] of the policy is for it; does not count
};

// What was seen. The key is stable, and what programs read: it is documented as part of the
// report's schema. The label is what people read, and often a name: of a library, of a GPU.
struct Evidence {
  std::string key;    // "missing": [a-z0-9-]; several of one finding may share it
  std::string label;  // "libcudnn.so.9"; empty: it goes on with the line before
  std::string value;  // "needed by /opt/venv/…/libtorch_cuda.so"
  bool operator==(const Evidence&) const = default;
};

struct Finding {
  std::string id;  // "python.abi"
  Severity severity = Severity::kFail;
  int exit_code = kExitGood;  // class of the failure; only kFail counts in the verdict
  std::string summary;        // one sentence: what was seen
  std::vector<Evidence> evidence;
  std::string why;  // one or two sentences: why it cannot work
  std::string fix;  // what to do, most likely cure first
  // Of kUndecided: why a fact is not known, which the summary ends with. Several findings may share
  // it.
  std::string reason = {};
  // Of kFail: it is about what surely runs, so that an interpreter that is guessed (Context::
  // interpreter_is_guess) does not make it a warning.
  bool is_certain = false;
  // What it is about, for [[accept]]: packages ("torchvision/torch": what torchvision requires of
  // torch), files below site-packages, libraries. Empty: nothing that has a name.
  std::vector<std::string> about = {};
  // For programs: what is asked for and what is there instead, a word each ("12.8", "11.4"). Empty
  // where a finding is not of that kind.
  std::string needs = {};
  std::string has = {};
  bool operator==(const Finding&) const = default;
};

struct Verdict {
  enum class Word { kPass, kWarn, kFail };
  Word word = Word::kPass;
  int exit_code = kExitGood;
  bool operator==(const Verdict&) const = default;
};

}  // namespace gpuinit
