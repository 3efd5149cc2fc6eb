// The numbers of what programs read. A number changes when a member loses its meaning, its type or
// its place, never when one comes to it: docs/json.md has the promise.
#pragma once

namespace gpuinit {

// Reports, events and every other document that is not named below.
inline constexpr int kReportSchema = 2;

// {"schema", "image", "node"}: --facts, and the member "facts" of a report.
inline constexpr int kFactsSchema = 1;

}  // namespace gpuinit
