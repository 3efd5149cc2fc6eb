// Options of tini, dumb-init and catatonit, answered with what gpuinit has for them.
#pragma once

#include <string>

namespace gpuinit::cli {

// `words`: what is left of argv, from an option on that gpuinit does not have. Says what the
// options of a peer that stand there are written as here, with their values; empty if the first
// is not a peer's. `supervised`: --supervise was given already.
std::string peer_answer(int count, const char* const* words, bool supervised);

}  // namespace gpuinit::cli
