// The grammar of POSIX shells and the part of bash's that start scripts use: text → tree.
// Source: POSIX.1-2017, XCU 2 "Shell Command Language"; Bash Reference Manual, 3.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "image/start/words.h"

namespace gpuinit::image::shell {

constexpr int kMaxNesting = 64;

// Words are kept as they are written, quotes and all; they are expanded when they are reached.
struct Redirect {
  std::string operation;  // ">", "<<", "&>", …
  std::string target;
  int fd = -1;  // -1: the operation's own
};

struct Node {
  enum class Kind : unsigned char {
    kSimple,      // words; the first `assignments` of them are NAME=value
    kList,        // children, one after the other
    kAndOr,       // children with words "&&", "||" between them
    kPipeline,    // children
    kNot,         // child
    kBackground,  // child
    kGroup,       // { child; }
    kSubshell,    // ( child )
    kIf,          // condition, then, condition, then, …, perhaps else
    kCase,        // words[0]; children are kClause
    kClause,      // words are its patterns; text is what ends it, ";;"
    kFor,         // text over words (`listed`), or over "$@"
    kWhile,       // condition, body; of a for (( words are what is first, and each step
    kUntil,       // condition, body
    kFunction,    // text() child
    kCondition,   // [[ words ]]
    kArithmetic,  // (( text ))
    kUnclear,     // text says what stands here
  };
  Kind kind = Kind::kList;
  int line = 0;
  std::size_t assignments = 0;
  bool listed = false;
  std::string text;
  std::vector<std::string> words;
  std::vector<Redirect> redirects;
  std::vector<std::unique_ptr<Node>> children;
};

// A kList. What cannot be parsed becomes a kUnclear at its end, from the line on that the
// shell would not have read completely either: shells run a script as they read it.
std::unique_ptr<Node> parse(std::string_view text, int first_line, bool bash);

// The words of `(a b c)`, from behind the '(' to before the ')'.
std::vector<std::string> array_words(std::string_view text);

// Where the word part that begins at `at` with '$' or '`' ends; npos if it does not.
std::size_t skip_expansion(std::string_view text, std::size_t at, bool bash, int depth = 0,
                           bool in_quotes = false);

// Behind the ')' of the $( … ) whose commands begin at `at`; npos if there is none.
std::size_t skip_substitution(std::string_view text, std::size_t at, bool bash, int depth);

// Behind the "))" of the arithmetic that begins at `at`; npos if the parentheses close apart
// from each other, as those of $((a) | (b)) do.
std::size_t skip_arithmetic(std::string_view text, std::size_t at, bool bash, int depth);

// After the closing quote of the '…' or "…" that begins at `at`; npos if there is none.
std::size_t skip_quoted(std::string_view text, std::size_t at, bool bash, int depth = 0);

// The end of the name that begins at `at`; `at` if none does.
std::size_t name_end(std::string_view text, std::size_t at = 0);
bool is_name(std::string_view text);

// NAME=, NAME+=, NAME[…]= at the beginning of `word`: where its value begins; npos if it is
// not an assignment.
std::size_t assignment_value(std::string_view word);

}  // namespace gpuinit::image::shell
