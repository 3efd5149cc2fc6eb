#include "image/python/python_start.h"

#include <algorithm>

#include "image/python/read_interpreter.h"

namespace gpuinit::image {

namespace {

// "cpython-311-x86_64-linux-gnu" taken apart.
struct Tag {
  std::string release;   // "311", "313t", "311d"
  std::string platform;  // "x86_64-linux-gnu"
};

Tag tag_of(const std::string& soabi) {
  constexpr std::string_view kStart = "cpython-";
  if (!soabi.starts_with(kStart)) return {};
  const auto end = soabi.find('-', kStart.size());
  if (end == std::string::npos) return {soabi.substr(kStart.size()), ""};
  return {soabi.substr(kStart.size(), end - kStart.size()), soabi.substr(end + 1)};
}

bool is_plain(const std::string& release) {
  return release.size() > 1 && release[0] == '3' &&
         std::all_of(release.begin(), release.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string plain_release(const std::string& soabi) {
  const std::string release = tag_of(soabi).release;
  return is_plain(release) ? release : "";
}

Result<std::string> find_libpython(const base::RootFs& fs, const ReadInterpreter& python) {
  const Interpreter& facts = python.facts;
  if (!python.binary) return Error{facts.real_path + " is not recognised as Python"};
  if (python.binary->implementation() != PythonBinary::Implementation::kCpython)
    return Error{"the interpreter is not CPython"};
  if (facts.libc.value_or("") != "glibc") return Error{"the interpreter is not a glibc program"};
  if (!facts.soabi) return Error{"its SOABI is not known: " + facts.soabi.reason()};
  const Tag tag = tag_of(*facts.soabi);
  if (!is_plain(tag.release)) return Error{"there is no probe for " + *facts.soabi};
  const auto dynamic = python.binary->program().dynamic();
  if (!dynamic) return dynamic.error();
  if (!dynamic->rpath.empty() && !dynamic->has_runpath)
    return Error{"the interpreter's DT_RPATH also leads the libraries of extensions"};

  if (!python.binary->libpython().empty()) {
    const auto& code = python.binary->code();
    if (!code) return code.error();
    return code->source().name();
  }
  if (!facts.base_prefix) return Error{"its prefix is not known: " + facts.base_prefix.reason()};
  const std::string name = "libpython3." + tag.release.substr(1) + ".so.1.0";
  for (const std::string& directory :
       {std::string("lib"), "lib/" + tag.platform, std::string("lib64")}) {
    const std::string path = base::join(*facts.base_prefix, directory + "/" + name);
    if (fs.is_file(path)) return path;
  }
  return Error{"there is no " + name + " below " + *facts.base_prefix};
}

}  // namespace gpuinit::image
