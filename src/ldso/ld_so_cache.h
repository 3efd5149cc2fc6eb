// /etc/ld.so.cache: soname → path, as ldconfig wrote it.
// Source of the format: glibc, sysdeps/generic/dl-cache.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "gpuinit/result.h"

namespace gpuinit::ldso {

struct CacheEntry {
  std::string soname;
  std::string path;
  bool native = false;  // of this machine's 64-bit ABI (x86-64 or aarch64 flag)
  bool hwcaps = false;  // for a glibc-hwcaps subdirectory
};

// All entries in file order. Knows the "glibc-ld.so.cache1.1" format, alone or
// behind the old "ld.so-1.7.0" one. Errors: truncated, offsets outside the file.
Result<std::vector<CacheEntry>> read_ld_so_cache(const base::ByteSource& source);

}  // namespace gpuinit::ldso
