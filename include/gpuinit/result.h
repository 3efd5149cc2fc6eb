// A value or the reason why it is missing. Errors gather context while they
// travel up: the innermost message says what failed, each caller adds where.
#pragma once

#include <cerrno>
#include <string>
#include <utility>
#include <variant>

namespace gpuinit {

// What went wrong, in words for the person who reads the report.
// `code` is an errno value where the system said no, kOwnLimit where an upper limit of gpuinit's
// was reached, 0 otherwise.
struct Error {
  std::string message;
  int code = 0;

  // "reading /a/b: Permission denied" from context("reading /a/b").
  [[nodiscard]] Error context(const std::string& where) && {
    return Error{where + ": " + message, code};
  }
};

// Error::code of limit_error().
inline constexpr int kOwnLimit = -1;

// Whether an error with that code says nothing of what was asked for, so that it is neither absent
// nor broken: storage that fails, descriptors or memory that ran out, an own limit. False for an
// absence or a refusal, which the command meets in the same way. Codes that are not known say
// nothing.
bool is_unread(int code);

// Error for the current errno (or `code`), worded "what: Permission denied". What is_unread() is
// noted in the base::UnreadLog that there is.
Error errno_error(const std::string& what, int code = errno);

// The same for an upper limit of gpuinit's: "what: more than 5000 distributions".
Error limit_error(const std::string& what, const std::string& limit);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires: ok().
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T other) const { return ok() ? value() : std::move(other); }

  // Requires: !ok().
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

// A step that yields nothing but may fail.
struct Done {};
using Status = Result<Done>;

}  // namespace gpuinit
