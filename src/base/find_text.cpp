#include "base/find_text.h"

#include <cstdint>
#include <cstring>

namespace gpuinit::base {

namespace {

using Block = unsigned char __attribute__((vector_size(16)));

// Where two letters in a row come next; npos: nowhere.
std::size_t find_pair(std::string_view text, char first, char second, std::size_t from) {
  const Block firsts = Block{} + static_cast<unsigned char>(first);
  const Block seconds = Block{} + static_cast<unsigned char>(second);
  for (; from + sizeof(Block) < text.size(); from += sizeof(Block)) {
    Block here;
    Block next;
    std::memcpy(&here, text.data() + from, sizeof here);
    std::memcpy(&next, text.data() + from + 1, sizeof next);
    const auto hits = (here == firsts) & (next == seconds);
    std::uint64_t halves[2];
    std::memcpy(halves, &hits, sizeof halves);
    if ((halves[0] | halves[1]) != 0) break;
  }
  for (; from + 1 < text.size(); ++from)
    if (text[from] == first && text[from + 1] == second) return from;
  return std::string_view::npos;
}

}  // namespace

std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from) {
  if (needle.size() < 2) return text.find(needle, from);
  const std::size_t before = needle.size() - 2;
  for (std::size_t at = from + before;; ++at) {
    at = find_pair(text, needle[before], needle[before + 1], at);
    if (at == std::string_view::npos) return at;
    if (std::memcmp(text.data() + at - before, needle.data(), before) == 0) return at - before;
  }
}

}  // namespace gpuinit::base
