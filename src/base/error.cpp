#include <cstring>

#include "base/unread_log.h"
#include "gpuinit/result.h"

namespace gpuinit {

bool is_unread(int code) {
  switch (code) {
    case 0:  // what a parser says of bytes that were read
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EACCES:
    case EPERM:
    case EISDIR:
    case EINVAL:
    case ENOEXEC:
      return false;
    default:
      return true;
  }
}

Error errno_error(const std::string& what, int code) {
  const char* const why = std::strerror(code);
  base::UnreadLog::note(what, why, code);
  return Error{what + ": " + why, code};
}

Error limit_error(const std::string& what, const std::string& limit) {
  base::UnreadLog::note(what, limit, kOwnLimit);
  return Error{what + ": " + limit, kOwnLimit};
}

}  // namespace gpuinit
