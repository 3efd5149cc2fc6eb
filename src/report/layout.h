// Text set in lines of a terminal: wrapping, hanging indents, colour.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace gpuinit::report {

// No line is broken: for what is no terminal, where a line is what grep and log stores keep whole.
inline constexpr std::size_t kUnbroken = 0;

// The width of the terminal that `fd` is, 80 where it does not say, at least 40; kUnbroken if `fd`
// is not a terminal.
std::size_t terminal_width(int fd);

// Columns that `text` takes, counting one per code point.
std::size_t columns(std::string_view text);

// `first`, which may have several lines, and then the words of `text`, broken before `width`
// columns (or kUnbroken); later lines start with `indent` blanks. Words longer than a line stay
// whole: paths are for copying. Line breaks in `text` are kept, everything else that a terminal
// could mistake for a command is made printable. Ends with a newline.
std::string wrapped(const std::string& first, std::string_view text, std::size_t indent,
                    std::size_t width);

// `text` and blanks up to `width` columns.
std::string padded(std::string_view text, std::size_t width);

enum class Colour { kRed, kYellow, kGreen, kBold };
std::string coloured(std::string_view text, Colour colour, bool enabled);

// True if `fd` is a terminal that can show colour and the user has not asked
// for none. Source: no-color.org (NO_COLOR set and not empty).
bool should_colour(int fd, const std::map<std::string, std::string>& environment);

}  // namespace gpuinit::report
