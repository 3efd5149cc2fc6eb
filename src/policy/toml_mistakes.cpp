// See toml_mistakes.h. What stands before the first character that is not TOML is known to be
// TOML, which makes the scanning here simple.
#include "policy/toml_mistakes.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "policy/toml_document.h"

namespace gpuinit::policy {

namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kShown = 60;  // bytes of the text that a sentence repeats

constexpr char kNotToml[] = "this line is not TOML: NAME = VALUE, text in quotes";
constexpr char kOnlyAComment[] = "only a comment (#) can follow the value";
constexpr char kNoClosingQuote[] = "the text that begins here has no closing quotation mark";
constexpr char kBackslash[] =
    "a `\\` in \"…\" begins an escape: write it twice, or put the text in '…'";
constexpr char kBadName[] =
    "a name has letters, digits, `-` and `_`, with dots between; any other is in quotes";

// `index`: where in the line.
struct Said {
  std::size_t index;
  std::string message;
};

bool is_quote(char c) { return c == '"' || c == '\''; }

std::string shown(std::string_view text) { return "`" + base::printable(text, kShown) + "`"; }

// The end of the text too, which the parser also says to be that of its last line.
bool is_line_end(std::string_view text, std::size_t at) {
  return at >= text.size() || text[at] == '\n' || text.substr(at).starts_with("\r\n");
}

std::string code_point(char32_t code) {
  std::string digits;
  for (int shift = 20; shift >= 0; shift -= 4)
    if (const auto digit = (code >> shift) & 15; digit != 0 || !digits.empty() || shift < 16)
      digits += "0123456789ABCDEF"[digit];
  return "U+" + digits;
}

// What the text before `end` has opened and not closed.
struct Open {
  char bracket = 0;  // the outermost: '[' or '{'; 0: none
  std::size_t bracket_at = 0;
  std::size_t depth = 0;
  std::size_t quote_at = kNone;
  bool many_lines = false;  // the quotes are three
};

// Index of the first of the quotes that close; the end of the text if none do.
std::size_t end_of_quoted(std::string_view text, std::size_t start, bool three) {
  const char quote = text[start];
  const std::string_view quotes = text.substr(start, three ? 3 : 1);
  for (std::size_t i = start + quotes.size(); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') ++i;
    else if (!three && text[i] == '\n') break;
    else if (text.substr(i).starts_with(quotes)) return i;
  }
  return text.size();
}

bool opens_three(std::string_view text, std::size_t at) {
  return text.substr(at).starts_with(text[at] == '"' ? "\"\"\"" : "'''");
}

Open open_before(std::string_view text, std::size_t end) {
  Open open;
  bool line_begins = true;
  for (std::size_t i = 0; i < end; ++i) {
    const char c = text[i];
    const bool is_header = c == '[' && line_begins && open.depth == 0;
    line_begins = c == '\n' || (line_begins && (c == ' ' || c == '\t'));
    if (c == '#' || is_header) {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (is_quote(c)) {
      const bool three = opens_three(text, i);
      const std::size_t close = end_of_quoted(text, i, three);
      open.quote_at = i;
      open.many_lines = three;
      if (close >= end) return open;
      open.quote_at = kNone;
      i = close + (three ? 2 : 0);
    } else if (c == '[' || c == '{') {
      if (open.depth++ == 0) open.bracket = c, open.bracket_at = i;
    } else if ((c == ']' || c == '}') && open.depth > 0 && --open.depth == 0) {
      open.bracket = 0;
    }
  }
  return open;
}

// Of one line, outside of quotes.
struct Parts {
  std::size_t equals = kNone;
  std::size_t colon = kNone;
  std::size_t end = 0;  // where a comment begins
};

Parts parts_of(std::string_view line) {
  Parts parts;
  for (parts.end = 0; parts.end < line.size() && line[parts.end] != '#'; ++parts.end) {
    const char c = line[parts.end];
    if (is_quote(c)) {
      const std::size_t close = end_of_quoted(line, parts.end, false);
      if (close < line.size()) parts.end = close;
    } else if (c == '=') {
      parts.equals = std::min(parts.equals, parts.end);
    } else if (c == ':') {
      parts.colon = std::min(parts.colon, parts.end);
    }
  }
  return parts;
}

bool is_name(std::string_view name) {
  return !name.empty() && is_toml(std::string(name) + " = 1") &&
         name.find_first_of("\n#=") == kNone;
}

// A setting or a table's header, which cannot stand inside of a list.
bool begins_anew(std::string_view line) {
  const std::string_view words = base::trim(line);
  const Parts parts = parts_of(words);
  return words.starts_with('[') ||
         (parts.equals != kNone && is_name(base::trim(words.substr(0, parts.equals))));
}

std::string needs_quotes(std::string_view word) {
  std::string text =
      shown(word) + " is text and needs quotes: " + toml_text(base::printable(word, kShown));
  const std::string lower = base::lower(word);
  if (lower == "yes" || lower == "on") text += " (or is it true?)";
  if (lower == "no" || lower == "off") text += " (or is it false?)";
  return text;
}

bool is_number_like(std::string_view word) {
  return word.find_first_not_of("0123456789._+-eE") == kNone &&
         std::count(word.begin(), word.end(), '.') <= 1 && word.find('-', 1) == kNone;
}

// A value that is neither quoted nor in brackets.
std::string bare_value(std::string_view value) {
  const std::string lower = base::lower(value);
  if (lower == "true" || lower == "false") return shown(value) + " is written " + lower;
  if (is_quote(value.back()) && value.find(value.back()) == value.size() - 1)
    return "the text has no opening quotation mark: " +
           toml_text(base::printable(value.substr(0, value.size() - 1), kShown));
  if (is_number_like(value))
    return shown(value) +
           " is not a number: write 8 or 0.5, without a leading 0 or a dot at an end, in 64 bits";
  const std::string_view first = value.substr(0, value.find_first_of(" \t"));
  return first != value && is_toml("x = " + std::string(first)) ? kOnlyAComment
                                                                : needs_quotes(value);
}

// What follows a value that is complete.
std::string surplus(std::string_view rest) {
  if (rest.starts_with(';'))
    return "a `;` separates settings in GPUINIT_SET; in a file each has a line of its own";
  if (rest.starts_with(',')) return "a `,` separates items of a list; a setting ends with its line";
  return kOnlyAComment;
}

Said value_mistake(std::string_view line, std::size_t index, const Parts& parts) {
  std::string_view value = line.substr(parts.equals + 1, parts.end - parts.equals - 1);
  value = base::trim(value);
  if (value.empty())
    return {parts.equals, "a value is missing after the `=`; an empty text is \"\""};
  const auto at = static_cast<std::size_t>(value.data() - line.data());
  if (value[0] == '=')
    return {at, "one `=` stands between a name and its value; a text, \"==2.8\", is in quotes"};
  if (value[0] == '{')
    return {at, "a table on one line is { NAME = VALUE, NAME = VALUE }; or begin it with [NAME]"};
  if (is_quote(value[0])) {
    const std::size_t close = end_of_quoted(value, 0, false);
    if (close == value.size()) return {at, kNoClosingQuote};
    const std::string_view rest = base::trim(value.substr(close + 1));
    return {static_cast<std::size_t>(rest.data() - line.data()), surplus(rest)};
  }
  if (value[0] == '[') return {value.rfind(']') + at + 1, kOnlyAComment};
  if (value.ends_with(';') || value.ends_with(','))
    return {at + value.size() - 1, surplus(value.substr(value.size() - 1))};
  std::string message = bare_value(value);
  return {message == kOnlyAComment ? index : at, std::move(message)};
}

Said name_mistake(std::string_view line, std::size_t first, const Parts& parts) {
  const std::string_view words = line.substr(first);
  if (words.starts_with("//") || words.starts_with(';')) return {first, "a comment begins with #"};
  if (parts.colon != kNone && parts.equals == parts.colon + 1)
    return {parts.colon, "one `=` stands between a name and its value, not `:=`"};
  if (words[0] == '{' || words[0] == '}') return {first, kNotToml};
  if (parts.colon < parts.equals)
    return {parts.colon, "a `=` stands between a name and its value, not `:`"};
  if (parts.equals == kNone) return {first, "the `=` is missing: NAME = VALUE"};
  if (parts.equals == first) return {first, "a name is missing before the `=`"};
  return {first, kBadName};
}

// A typographic quotation mark, a blank or a control character that TOML does not know. Empty if
// the character there is none of these.
std::string odd_character(std::string_view rest) {
  if (rest.empty()) return "";
  const base::Character c = base::first_character(rest);
  if (c.length == 0)
    return rest.starts_with("\xFF\xFE") || rest.starts_with("\xFE\xFF")
               ? "the file is UTF-16; a policy is UTF-8"
               : "this is not UTF-8";
  const bool marks = (c.code >= 0x2018 && c.code <= 0x201F) || c.code == 0xAB || c.code == 0xBB;
  if (marks || c.code == '`')
    return "`" + std::string(rest.substr(0, c.length)) +
           "` is not a quotation mark of TOML, which has \" and '";
  if (c.code == '\r') return "a carriage return alone does not end a line";
  if (c.code == 0xA0 || c.code == 0x3000 || (c.code >= 0x2000 && c.code <= 0x200A) ||
      base::is_unseen(c.code))
    return "a character that nobody sees (" + code_point(c.code) + ") stands here";
  return "";
}

// `text` is the header's line; `instead`: what it may have meant.
Said header_mistake(std::string_view line, std::size_t first, std::string& instead) {
  const std::string_view words = line.substr(first);
  const std::size_t brackets = words.starts_with("[[") ? 2 : 1;
  const std::string closing(brackets, ']');
  const std::size_t close = words.find(closing);
  const std::string_view name =
      base::trim(words.substr(brackets, words.find_first_of("]#", brackets) - brackets));
  const std::string opened = std::string(brackets, '[') + std::string(name);
  if (is_name(name)) instead = opened + closing;
  if (close == kNone) return {first, shown(opened) + " has no closing `" + closing + "`"};
  if (name.empty()) return {first, "a name is missing between `[` and `]`"};
  if (instead.empty()) return {first, kBadName};
  if (!is_toml(words))
    return {first + close + brackets, "only a comment (#) can follow " + shown(instead)};
  const std::string whole = std::exchange(instead, "");
  return {first,
          shown(whole) + " is set above already; all that belongs to it stands in one place"};
}

Said in_quotes(std::string_view text, std::size_t at, const Open& open) {
  if (is_line_end(text, at)) return {open.quote_at, kNoClosingQuote};
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x20 || c == 0x7F)
    return {at, "a control character (" + code_point(c) + ") is written with a `\\` in \"…\""};
  return {at, kBackslash};
}

struct Line {
  std::size_t begin;
  std::size_t end;  // of its '\n', or of the text
};

Line line_around(std::string_view text, std::size_t at) {
  const std::size_t before = at == 0 ? kNone : text.rfind('\n', at - 1);
  return {before == kNone ? 0 : before + 1, std::min(text.find('\n', at), text.size())};
}

// The last character before an index that is neither blank nor of a comment.
char last_before(std::string_view text, std::size_t index) {
  for (std::size_t end = index;;) {
    const std::size_t begin = line_around(text, end).begin;
    const std::string_view line = text.substr(begin, end - begin);
    const std::string_view words = base::trim(line.substr(0, parts_of(line).end));
    if (!words.empty()) return words.back();
    if (begin == 0) return '[';
    end = begin - 1;
  }
}

// The word of a list around an index.
std::string_view word_around(std::string_view text, std::size_t at) {
  constexpr std::string_view kEnds = ",[] \t\r\n#";
  const std::size_t before = text.find_last_of(kEnds, at == 0 ? 0 : at - 1);
  const std::size_t begin = before == kNone || at == 0 ? 0 : before + 1;
  return text.substr(begin, std::min(text.find_first_of(kEnds, at), text.size()) - begin);
}

Said in_list(std::string_view text, std::size_t at) {
  if (text[at] == ',') return {at, "an item is missing before this `,`"};
  if (text[at] == ';') return {at, "a `,` separates the items of a list, not a `;`"};
  if (std::string odd = odd_character(text.substr(at)); !odd.empty()) return {at, std::move(odd)};
  const std::string_view word = word_around(text, at);
  const auto begin = static_cast<std::size_t>(word.data() - text.data());
  const char last = last_before(text, begin);
  const bool follows = last != ',' && last != '[';
  if (word.empty()) return {at, kNotToml};
  if (is_quote(text[at - 1])) return {at, "a `,` or a quotation mark is missing before this"};
  if (follows || is_quote(text[at]) || is_quote(word[0]))
    return {at, "a `,` is missing before this item"};
  return {begin, bare_value(word)};
}

// From the line on: the end of the one in which a list is closed.
std::size_t end_of_lines(std::string_view text, Line line, std::string_view closing) {
  while (line.end < text.size() &&
         text.substr(line.begin, line.end - line.begin).find(closing) == kNone) {
    const Line next = line_around(text, line.end + 1);
    if (begins_anew(text.substr(next.begin, next.end - next.begin))) break;
    line = next;
  }
  return line.end;
}

// Up to the next header, since the settings between belong to a table that is not known.
std::size_t end_of_table(std::string_view text, Line line) {
  while (line.end < text.size()) {
    const Line next = line_around(text, line.end + 1);
    if (base::trim(text.substr(next.begin, next.end - next.begin)).starts_with('[')) break;
    line = next;
  }
  return line.end;
}

TomlMistake line_mistake(std::string_view text, std::size_t at, Line place) {
  const std::string_view whole = text.substr(place.begin, place.end - place.begin);
  const std::string_view line =
      whole.substr(0, whole.size() - (whole.ends_with('\r') && place.end < text.size() ? 1 : 0));
  TomlMistake mistake{at, "", place.begin, place.end, ""};
  const auto say = [&](Said said) {
    mistake.at = place.begin + std::min(said.index, whole.size());
    mistake.message = std::move(said.message);
    return mistake;
  };
  const std::size_t first = line.find_first_not_of(" \t");
  const std::size_t index = at - place.begin;
  if (std::string odd = odd_character(text.substr(at, place.end - at)); !odd.empty())
    return say({index, std::move(odd)});
  if (const auto alone = line.find('\r'); alone != kNone) return say({alone, odd_character("\r")});
  if (first == kNone) return say({index, kNotToml});
  if (line[first] == '[') {
    Said said = header_mistake(line, first, mistake.instead);
    if (mistake.instead.empty()) mistake.end = end_of_table(text, place);
    return say(std::move(said));
  }
  const Parts parts = parts_of(line);
  if (is_toml(line))
    return say({first, shown(base::trim(line.substr(first, parts.equals - first))) +
                           " is set twice in this file"});
  if (parts.equals == kNone || index <= parts.equals) return say(name_mistake(line, first, parts));
  return say(value_mistake(line, index, parts));
}

}  // namespace

TomlMistake find_mistake(std::string_view text, std::size_t at) {
  Line here = line_around(text, at);
  // The parser reads ahead.
  for (std::size_t i = here.begin; i < here.end;) {
    const base::Character c = base::first_character(text.substr(i));
    if (c.length == 0) return {i, odd_character(text.substr(i)), here.begin, here.end, ""};
    i += c.length;
  }
  const Open open = open_before(text, at);
  const auto say = [&](const Said& said, std::size_t end) {
    const std::size_t begin = open.bracket != 0 ? open.bracket_at : open.quote_at;
    return TomlMistake{said.index, said.message,
                       line_around(text, begin == kNone ? at : begin).begin, end, ""};
  };
  if (open.depth >= kMaxNestedValues)
    return say({open.bracket_at, "more than " + std::to_string(kMaxNestedValues) +
                                     " lists or tables within each other"},
               here.end);
  if (open.quote_at != kNone && open.many_lines) {
    const std::size_t close = text.find(text.substr(open.quote_at, 3), at);
    return say(in_quotes(text, at, open), line_around(text, std::min(close, text.size())).end);
  }
  if (open.quote_at != kNone)
    return say(in_quotes(text, at, open), end_of_lines(text, here, open.bracket == '[' ? "]" : ""));
  if (open.bracket != '[') return line_mistake(text, at, here);
  const std::string_view line = text.substr(here.begin, here.end - here.begin);
  const bool anew = here.begin > open.bracket_at && begins_anew(line);
  if (is_line_end(text, at) || anew)
    return say({open.bracket_at, "the list that begins here has no closing `]`"},
               anew ? here.begin - 1 : text.size());
  return say(in_list(text, at), end_of_lines(text, here, "]"));
}

}  // namespace gpuinit::policy
