// Which of two values of a key asks for more. A locked policy may only be made to ask for more, so
// each row of keys.cpp says which of these is the key's (docs/security.md has the table for
// people).
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace gpuinit::policy {

// Each is true if `wanted` asks for at least what `now` does.

template <class T>
bool larger(const T& now, const T& wanted) {
  return wanted >= now;
}

// Also of enumerations whose first value is the strictest.
template <class T>
bool smaller(const T& now, const T& wanted) {
  return wanted <= now;
}

// Of lists: nothing is taken out, nothing is put in.
template <class T>
bool longer(const std::vector<T>& now, const std::vector<T>& wanted) {
  return std::ranges::all_of(
      now, [&](const T& item) { return std::ranges::find(wanted, item) != wanted.end(); });
}
template <class T>
bool shorter(const std::vector<T>& now, const std::vector<T>& wanted) {
  return longer(wanted, now);
}

// Of ranges: every version, every number that the new one allows was allowed before.
bool narrower_versions(const std::string& now, const std::string& wanted);
bool narrower_count(const std::string& now, const std::string& wanted);

// What is read anew is true; another seal may say anything.
bool no_other_seal(const std::string& now, const std::string& wanted);

// Of lists of which one item must hold: fewer, or some where there was no list.
bool fewer_choices(const std::vector<std::string>& now, const std::vector<std::string>& wanted);

// Something (a filter) where there was nothing: the value that a field begins with.
template <class T>
bool first_choice(const T& now, const T& wanted) {
  return now == T{} || wanted == now;
}

// The values have no order: what a locked file names stays, all else is free.
inline constexpr std::nullptr_t kNoOrder = nullptr;

}  // namespace gpuinit::policy
