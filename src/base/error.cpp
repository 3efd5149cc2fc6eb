#include <cstring>

#include "gpuinit/result.h"

namespace gpuinit {

Error errno_error(const std::string& what, int code) {
  return Error{what + ": " + std::strerror(code), code};
}

}  // namespace gpuinit
