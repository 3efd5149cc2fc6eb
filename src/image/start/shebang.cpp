#include "image/start/shebang.h"

#include "base/text.h"

namespace gpuinit::image {

namespace {

constexpr std::size_t kKernelHead = 256;  // BINPRM_BUF_SIZE since Linux 5.1
constexpr std::string_view kBlanks = " \t";

std::string_view strip_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::optional<Shebang> parse_shebang(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  head = head.substr(0, kKernelHead);
  const auto end = head.find('\n');
  std::string_view line = head.substr(2, end == std::string_view::npos ? end : end - 2);
  line = strip_blanks(line.substr(0, line.find('\0')));
  const auto blank = line.find_first_of(kBlanks);
  // The kernel refuses a path that it cannot see the end of.
  if (end == std::string_view::npos && blank == std::string_view::npos &&
      head.size() == kKernelHead)
    return std::nullopt;
  Shebang shebang;
  shebang.interpreter = line.substr(0, blank);
  if (shebang.interpreter.empty()) return std::nullopt;
  if (blank != std::string_view::npos) shebang.argument = strip_blanks(line.substr(blank));
  return shebang;
}

std::optional<std::string> parse_exec_trampoline(std::string_view head,
                                                 std::string_view script_directory) {
  const auto lines = base::split_lines(head);
  if (lines.size() < 2 || !lines[0].starts_with("#!") || !lines[0].ends_with("sh"))
    return std::nullopt;
  std::string_view line = base::trim(lines[1]);
  constexpr std::string_view kExec = "'''exec'";
  constexpr std::string_view kArguments = "\"$0\" \"$@\"";
  if (!line.starts_with(kExec) || !line.ends_with(kArguments)) return std::nullopt;
  line = strip_blanks(line.substr(kExec.size(), line.size() - kExec.size() - kArguments.size()));

  constexpr std::string_view kHere = "\"$(dirname -- \"$(realpath -- \"$0\")\")\"/";
  std::string path;
  if (line.starts_with(kHere)) {
    path = std::string(script_directory) + "/";
    line.remove_prefix(kHere.size());
  }
  if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') &&
      line.back() == line.front())
    line = line.substr(1, line.size() - 2);
  // Anything the shell would still expand is beyond us.
  if (line.empty() || line.find_first_of("$`\"'\\") != std::string_view::npos) return std::nullopt;
  path += line;
  return path;
}

}  // namespace gpuinit::image
