// What a shell asks of the file system: tests, file name patterns, PATH. The files are those of
// the image as they are before the script runs; what it may have changed is unknown.
#include <algorithm>

#include "base/text.h"
#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

namespace {

constexpr std::size_t kMaxMatches = 1024;

bool is_within(std::string_view path, std::string_view directory) {
  return path == directory || directory == "/" ||
         (path.starts_with(directory) && path.size() > directory.size() &&
          path[directory.size()] == '/');
}

// The kernel's: what is there is the node's to say.
bool is_dynamic(std::string_view path) {
  return is_within(path, "/dev") || is_within(path, "/proc") || is_within(path, "/sys");
}

bool has_pattern(std::string_view component) {
  for (std::size_t at = 0; at < component.size(); ++at) {
    if (component[at] == '\\') ++at;
    else if (std::string_view("*?[").find(component[at]) != std::string_view::npos) return true;
  }
  return false;
}

std::string unescaped(std::string_view pattern) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    text += pattern[at];
  }
  return text;
}

// As most locales sort: letters and digits first.
std::string collation_key(std::string_view text) {
  std::string key;
  for (const char c : base::lower(text))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) key += c;
  return key;
}

}  // namespace

std::optional<std::string> Interpreter::absolute(const std::string& path) const {
  if (path.starts_with("/")) return base::normalize(path);
  if (!state.cwd_unknown.empty()) return std::nullopt;
  return base::normalize(base::join(state.cwd, path));
}

bool Interpreter::touched(const std::string& path) const {
  if (written_unknown) return true;
  for (const auto& each : written)
    if (is_within(path, each) || is_within(each, path)) return true;
  return false;
}

void Interpreter::touch(const Value& path) {
  // Of an unknown name the directory may be known.
  const auto slash = path.text.rfind('/');
  const auto where = path.known ? absolute(path.text)
                     : slash != std::string::npos && slash > 0
                         ? absolute(path.text.substr(0, slash))
                         : std::nullopt;
  if (!where) {
    written_unknown = true;
  } else if (!is_within(*where, "/dev") && !is_within(*where, "/proc")) {
    written.insert(fs.resolve(*where).value_or(*where));
    written.insert(*where);
    if (written.size() > 1000) written_unknown = true;
  }
}

Interpreter::Truth Interpreter::file_test(char what, const std::string& path) {
  using Kind = base::FileInfo::Kind;
  if (what == 't') return Truth::kUnknown;
  if (path.empty()) return Truth::kFalse;
  const auto where = absolute(path);
  if (!where || is_dynamic(*where) || touched(*where)) return Truth::kUnknown;
  const auto yes = [](bool is) { return is ? Truth::kTrue : Truth::kFalse; };
  // A trailing '/' or ".." goes through what stands before it.
  const auto info = fs.stat(path.starts_with("/") ? path : base::join(state.cwd, path));
  if (what == 'L' || what == 'h') return yes(fs.read_link(*where).ok());
  if (!info)
    return info.error().code == ENOENT || info.error().code == ENOTDIR ? Truth::kFalse
                                                                       : Truth::kUnknown;
  const auto real = fs.resolve(*where);
  if (!real || is_dynamic(*real) || touched(*real)) return Truth::kUnknown;
  // Where all three have the permission, it does not matter who asks.
  const auto permitted = [&](unsigned bits) {
    const unsigned set = info->mode & bits;
    if (set == bits || (uid == 0U && set != 0)) return Truth::kTrue;
    return bits == 0111U && set == 0 && info->kind == Kind::kFile ? Truth::kFalse : Truth::kUnknown;
  };
  switch (what) {
    case 'e':
    case 'a':
      return Truth::kTrue;
    case 'f':
      return yes(info->kind == Kind::kFile);
    case 'd':
      return yes(info->kind == Kind::kDirectory);
    case 's':
      return info->kind == Kind::kFile ? yes(info->size > 0) : Truth::kUnknown;
    case 'r':
      return permitted(0444U);
    case 'x':
      return permitted(0111U);
    default:
      return Truth::kUnknown;
  }
}

std::optional<std::vector<std::string>> Interpreter::glob(const std::string& pattern) {
  if (!state.cwd_unknown.empty() && !pattern.starts_with("/")) return std::nullopt;
  if (get("GLOBIGNORE").surely_not_empty() || !get("GLOBIGNORE").known) return std::nullopt;
  std::vector<std::string> found{pattern.starts_with("/") ? "/" : ""};
  std::string_view rest = pattern;
  while (!rest.empty() && rest[0] == '/') rest.remove_prefix(1);
  while (!rest.empty()) {
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto component = rest.substr(0, slash);
    rest.remove_prefix(slash);
    const auto slashes = std::min(rest.find_first_not_of('/'), rest.size());
    if (slashes > 1) return std::nullopt;
    const std::string_view separator = rest.substr(0, slashes);
    rest.remove_prefix(slashes);
    std::vector<std::string> next;
    for (const auto& prefix : found) {
      const std::string directory =
          prefix.starts_with("/") ? prefix : base::join(state.cwd, prefix);
      if (!spend(256)) return std::nullopt;
      if (!has_pattern(component)) {
        const std::string path = prefix + unescaped(component);
        const auto where = absolute(path);
        if (!where || touched(*where)) return std::nullopt;
        if (is_dynamic(*where)) return std::nullopt;
        if (separator.empty() ? fs.stat(*where).ok() || fs.read_link(*where).ok()
                              : fs.is_directory(*where))
          next.push_back(path + std::string(separator));
        continue;
      }
      const auto where = absolute(directory);
      if (!where || touched(*where) || is_dynamic(*where)) return std::nullopt;
      const auto names = fs.list(directory);
      if (!names) {
        if (names.error().code == ENOENT || names.error().code == ENOTDIR) continue;
        return std::nullopt;
      }
      for (const auto& name : *names) {
        if (name[0] == '.' && component[0] != '.') continue;
        if (component[0] == '.') return std::nullopt;  // whether . and .. match, shells disagree
        const auto hit = matches(component, name);
        if (!hit) return std::nullopt;
        if (!*hit) continue;
        if (!separator.empty() && !fs.is_directory(base::join(directory, name))) continue;
        next.push_back(prefix + name + std::string(separator));
        if (next.size() > kMaxMatches) return std::nullopt;
      }
    }
    found = std::move(next);
  }
  std::sort(found.begin(), found.end());
  for (std::size_t at = 1; at < found.size(); ++at)
    if (!(collation_key(found[at - 1]) < collation_key(found[at]))) {
      // The locale decides on their order.
      for (const char* name : {"LC_ALL", "LC_COLLATE", "LANG"}) {
        const Value locale = get(name);
        if (!locale.known) return std::nullopt;
        if (!locale.text.empty() && !locale.text.starts_with("C") && locale.text != "POSIX")
          return std::nullopt;
      }
    }
  return found;
}

std::optional<std::string> Interpreter::search(const std::string& name) {
  if (name.empty()) return "";
  if (name.find('/') != std::string::npos) {
    const auto where = absolute(name);
    if (!where || touched(*where)) return std::nullopt;
    return fs.is_executable(*where) ? name : "";
  }
  const auto path = state.variables.find("PATH");
  if (path == state.variables.end() || path->second.kind != Variable::Kind::kText)
    return std::nullopt;
  for (const auto directory : base::split(path->second.text, ':')) {
    if (!directory.starts_with("/")) return std::nullopt;
    const std::string candidate = base::join(directory, name);
    if (touched(candidate)) return std::nullopt;
    if (fs.is_executable(candidate)) return candidate;
  }
  return "";
}

}  // namespace gpuinit::image::shell
