// Yes, no, or not to be decided from what is known.
#pragma once

namespace gpuinit {

enum class Tristate { kYes, kNo, kUnknown };

constexpr Tristate to_tristate(bool yes) { return yes ? Tristate::kYes : Tristate::kNo; }

constexpr Tristate opposite(Tristate a) {
  if (a == Tristate::kUnknown) return a;
  return to_tristate(a == Tristate::kNo);
}

// kNo if either is.
constexpr Tristate both(Tristate a, Tristate b) {
  if (a == Tristate::kNo || b == Tristate::kNo) return Tristate::kNo;
  return a == Tristate::kYes && b == Tristate::kYes ? Tristate::kYes : Tristate::kUnknown;
}

// kYes if either is.
constexpr Tristate either(Tristate a, Tristate b) {
  return opposite(both(opposite(a), opposite(b)));
}

}  // namespace gpuinit
