#include "image/start/env_command.h"

#include <string_view>

#include "base/root_fs.h"
#include "image/start/words.h"

namespace gpuinit::image {

namespace {

constexpr int kMaxSplits = 4;  // -S may bring another -S

// The option's value: the rest of the word or the next word.
bool take_value(std::vector<std::string>& words, std::size_t& at, std::size_t inside,
                std::string& value) {
  if (words[at].size() > inside) {
    value = words[at].substr(inside);
    return true;
  }
  if (at + 1 >= words.size()) return false;
  value = words[++at];
  return true;
}

// What a backslash and `letter` stand for; 0 if env refuses it.
char escaped(char letter, bool double_quoted) {
  switch (letter) {
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '_':
      return double_quoted ? ' ' : '\0';  // outside quotes it separates words
    case '#':
    case '$':
    case '"':
    case '\'':
    case '\\':
      return letter;
    default:
      return 0;
  }
}

}  // namespace

Result<std::vector<std::string>> split_env_string(const std::string& text,
                                                  const base::Environment& environment) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  const auto finish = [&] {
    if (in_word) words.push_back(std::move(word));
    word.clear();
    in_word = false;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote == '\'' && c != '\'' && c != '\\') {
      word += c;
    } else if ((c == '"' || c == '\'') && (quote == 0 || quote == c)) {
      quote = quote == 0 ? c : '\0';
      in_word = true;
    } else if (quote == 0 && std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos) {
      finish();
    } else if (quote == 0 && c == '#' && !in_word) {
      break;  // a comment
    } else if (c == '\\') {
      if (++at >= text.size()) return Error{"env -S: a backslash at the end"};
      const char next = text[at];
      if (quote == '\'') {
        if (next != '\\' && next != '\'') word += '\\';
        word += next;
      } else if (next == 'c' && quote == 0) {
        break;  // ignore the rest
      } else if (next == '_' && quote == 0) {
        finish();
        continue;
      } else if (const char meant = escaped(next, quote == '"'); meant != 0) {
        word += meant;
      } else {
        return Error{"env -S: unknown escape"};
      }
      in_word = true;
    } else if (c == '$') {
      const auto end = text.find('}', at);
      if (at + 1 >= text.size() || text[at + 1] != '{' || end == std::string::npos)
        return Error{"env -S: only ${NAME} is expanded"};
      const auto value = environment.find(text.substr(at + 2, end - at - 2));
      if (value != environment.end()) word += value->second;
      in_word = in_word || value != environment.end();
      at = end;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return Error{"env -S: a quote without end"};
  finish();
  return words;
}

Result<EnvCommand> apply_env(const std::vector<std::string>& arguments,
                             const base::Environment& environment, std::string working_directory) {
  EnvCommand result{{}, environment, std::move(working_directory)};
  std::vector<std::string> words = arguments;
  int splits = 0;
  std::size_t at = 0;
  // Replaces the word (and its value) that brought `text` by the words of it.
  const auto split_in = [&](std::size_t first, const std::string& text) -> Status {
    if (++splits > kMaxSplits) return Error{"env -S inside env -S, too often"};
    auto more = split_env_string(text, environment);  // of env itself
    if (!more) return std::move(more).error();
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(first),
                words.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(first), more->begin(), more->end());
    at = first;
    return Done{};
  };

  for (; at < words.size(); ++at) {
    const std::string word = words[at];
    const std::size_t first = at;
    std::string value;
    if (word == "--") {
      ++at;
      break;
    }
    if (word == "--help" || word == "--version") return result;
    if (word == "-") {  // the last of the options
      result.environment.clear();
      ++at;
      break;
    }
    if (word == "-i" || word == "--ignore-environment") {
      result.environment.clear();
    } else if (word.starts_with("--unset=")) {
      result.environment.erase(word.substr(8));
    } else if (word.starts_with("--chdir=")) {
      result.working_directory = base::join(result.working_directory, word.substr(8));
    } else if (word.starts_with("--split-string=")) {
      auto done = split_in(first, word.substr(15));
      if (!done) return std::move(done).error();
      --at;
    } else if (word == "-v" || word == "--debug" || word.starts_with("--ignore-signal") ||
               word.starts_with("--default-signal") || word.starts_with("--block-signal") ||
               word == "--list-signal-handling") {
    } else if (word.starts_with("-u") && take_value(words, at, 2, value)) {
      result.environment.erase(value);
    } else if (word.starts_with("-C") && take_value(words, at, 2, value)) {
      result.working_directory = base::join(result.working_directory, value);
    } else if ((word.starts_with("-S") || word.starts_with("-vS")) &&
               take_value(words, at, word[1] == 'S' ? 2 : 3, value)) {
      auto done = split_in(first, value);
      if (!done) return std::move(done).error();
      --at;
    } else if (word.starts_with("-")) {
      return Error{"env " + masked(word) + " is not understood here"};
    } else {
      break;
    }
  }
  for (; at < words.size(); ++at) {
    const auto equals = words[at].find('=');
    if (equals == std::string::npos || equals == 0) break;
    result.environment[words[at].substr(0, equals)] = words[at].substr(equals + 1);
  }
  for (; at < words.size(); ++at) result.command.push_back(words[at]);
  return result;
}

}  // namespace gpuinit::image
