// See layout.h.
#include "report/layout.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace gpuinit::report {

namespace {

// More than any summary needs; the bound is for texts that come from files.
constexpr std::size_t kMaxLine = 4000;

// Escape sequences that start `first` take no columns.
std::size_t visible_columns(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    if (text.starts_with("\033[")) {
      text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
      continue;
    }
    const auto escape = std::min(text.find('\033', 1), text.size());
    count += columns(text.substr(0, escape));
    text.remove_prefix(escape);
  }
  return count;
}

}  // namespace

std::size_t terminal_width(int fd) {
  constexpr std::size_t kUsual = 80;
  constexpr std::size_t kNarrowest = 40;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return kUnbroken;
  return size.ws_col == 0 ? kUsual : std::max<std::size_t>(size.ws_col, kNarrowest);
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::string wrapped(const std::string& first, std::string_view text, std::size_t indent,
                    std::size_t width) {
  std::string result = first;
  std::size_t column = visible_columns(std::string_view(first).substr(first.rfind('\n') + 1));
  bool line_start = true;  // no word since the indent or `first`
  const std::string safe = base::printable(text, kMaxLine);
  for (auto word : base::split_words(safe)) {
    const std::size_t length = columns(word);
    // Behind `first` only where that wins room.
    const bool may_break = width != kUnbroken && (!line_start || column > indent);
    if (may_break && column + (line_start ? 0 : 1) + length > width) {
      while (result.ends_with(' ')) result.pop_back();
      result += '\n' + std::string(indent, ' ');
      column = indent;
      line_start = true;
    }
    if (!line_start) {
      result += ' ';
      ++column;
    }
    result += word;
    column += length;
    line_start = false;
  }
  while (result.ends_with(' ')) result.pop_back();
  return result + '\n';
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

std::string coloured(std::string_view text, Colour colour, bool enabled) {
  if (!enabled) return std::string(text);
  constexpr std::string_view kStart[] = {"\033[1;31m", "\033[1;33m", "\033[1;32m", "\033[1m"};
  return std::string(kStart[static_cast<std::size_t>(colour)]) + std::string(text) + "\033[0m";
}

bool should_colour(int fd, const std::map<std::string, std::string>& environment) {
  const auto value = [&](const char* name) {
    const auto entry = environment.find(name);
    return entry == environment.end() ? std::string() : entry->second;
  };
  return value("NO_COLOR").empty() && value("TERM") != "dumb" && ::isatty(fd) == 1;
}

}  // namespace gpuinit::report
