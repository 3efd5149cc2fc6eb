// What could not be read, whoever drops the error: errno_error() and limit_error() note it here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gpuinit/unread.h"

namespace gpuinit::base {

// As long as it lives it takes what is met in its thread; one inside another takes it alone.
class UnreadLog {
 public:
  UnreadLog();
  ~UnreadLog();
  UnreadLog(const UnreadLog&) = delete;
  UnreadLog& operator=(const UnreadLog&) = delete;

  // Each path once, the first kMost of them.
  const std::vector<Unread>& unread() const { return unread_; }

  // Paths that this user may not read or enter, each once, the first kMost.
  const std::vector<std::string>& refused() const { return refused_; }

  // An error with that code was met; what is not about a path is passed over.
  static void note(const std::string& path, const std::string& why, int code);

  static constexpr std::size_t kMost = 32;

 private:
  UnreadLog* const outer_;
  std::vector<Unread> unread_;
  std::vector<std::string> refused_;
};

}  // namespace gpuinit::base
