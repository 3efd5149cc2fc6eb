// One thing that gpuinit looked for: known, known to be absent, or unknown for a reason.
//
// *Absent* means that gpuinit looked everywhere the thing can be, and it is not there
// (a CPU-only torch has no CUDA version). *Unknown* means that gpuinit cannot know
// (a truncated file, a fact left out of a hand-written --node file). A check
// never fails on an unknown fact, and no reader ever turns a guess into a value.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace gpuinit {

template <class T>
class Fact {
 public:
  // Unknown, because it was not looked for.
  Fact() : reason_("not looked at") {}
  Fact(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  static Fact unknown(std::string reason) { return Fact(State::kUnknown, std::move(reason)); }
  static Fact absent(std::string reason = "") { return Fact(State::kAbsent, std::move(reason)); }

  bool known() const { return value_.has_value(); }
  bool is_absent() const { return !value_ && state_ == State::kAbsent; }
  bool is_unknown() const { return !value_ && state_ == State::kUnknown; }
  explicit operator bool() const { return known(); }

  // Requires: known().
  const T& value() const { return *value_; }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return &*value_; }
  T& value() { return *value_; }
  T* operator->() { return &*value_; }

  T value_or(T other) const { return value_ ? *value_ : std::move(other); }

  // Why there is no value. Empty if known, may be empty if absent.
  const std::string& reason() const { return reason_; }
  bool operator==(const Fact&) const = default;

 private:
  enum class State { kUnknown, kAbsent };
  Fact(State state, std::string reason) : state_(state), reason_(std::move(reason)) {}

  std::optional<T> value_;
  State state_ = State::kUnknown;
  std::string reason_;
};

}  // namespace gpuinit
