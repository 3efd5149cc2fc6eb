#include "base/unread_log.h"

#include <algorithm>
#include <cerrno>

#include "gpuinit/result.h"

namespace gpuinit::base {

namespace {

thread_local UnreadLog* current = nullptr;

}  // namespace

UnreadLog::UnreadLog() : outer_(std::exchange(current, this)) {}

UnreadLog::~UnreadLog() { current = outer_; }

void UnreadLog::note(const std::string& path, const std::string& why, int code) {
  if (current == nullptr || !path.starts_with('/')) return;
  if (code == EACCES) {
    auto& refused = current->refused_;
    if (refused.size() < kMost && std::ranges::find(refused, path) == refused.end())
      refused.push_back(path);
  }
  if (!is_unread(code)) return;
  auto& unread = current->unread_;
  if (unread.size() < kMost && std::ranges::find(unread, path, &Unread::path) == unread.end())
    unread.push_back({path, why, code == kOwnLimit});
}

}  // namespace gpuinit::base
