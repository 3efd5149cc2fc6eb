// One word being expanded: its fields as far as they have come.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

constexpr std::size_t kMaxFields = 4096;

class Expansion {
 public:
  // `split`: into fields, with file name patterns; else it stays one. `plain`: not a pattern
  // either. `assignment`: a ~ counts after every ':'.
  Expansion(Interpreter& shell, bool split, bool plain, bool assignment)
      : shell_(shell), split_(split), plain_(plain), assignment_(assignment) {}

  // `quoted`: inside "…". `from_expansion`: it is the word of a ${x:-word}.
  void walk(std::string_view raw, bool quoted, bool from_expansion);

  Words take() {
    end_field();
    return {std::move(fields_), exact_};
  }
  std::string& pattern_text() { return pattern_text_; }

 private:
  void literal(char c, bool quoted);
  void value(const Value& value, bool quoted);
  void list(const std::vector<Value>& values, bool quoted, bool joined);
  void unknown(const Value& value, bool quoted);
  void unknown_list(bool quoted);
  void end_field();
  void tilde(std::string_view raw, std::size_t& at);
  std::size_t ansi_quoted(std::string_view raw, std::size_t at);
  bool dollar(std::string_view raw, std::size_t& at, bool quoted);
  bool parameter(const std::string& name, bool quoted);
  bool all_of(const std::string& array, bool joined, bool quoted);
  bool braces(std::string_view content, bool quoted);
  void operate(const std::string& name, const Value& current, std::string_view operation,
               bool quoted);
  Value transformed(const Value& current, std::string_view operation);

  Interpreter& shell_;
  const bool split_, plain_, assignment_;
  std::vector<Value> fields_;
  Value field_;
  std::string escaped_;       // field_ as a pattern
  std::string pattern_text_;  // of the one field
  bool pattern_ = false;
  bool bracket_ = false;
  bool open_ = false;  // there is a field, if an empty one
  bool exact_ = true;
};

}  // namespace gpuinit::image::shell
