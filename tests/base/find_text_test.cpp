#include "base/find_text.h"

#include <gtest/gtest.h>

#include <string>

namespace gpuinit::base {
namespace {

constexpr auto kNowhere = std::string_view::npos;

TEST(FindText, FindsWhatStringFindFindsAtEveryPlace) {
  // Around the 16 letters that are looked at together, with half a needle everywhere else.
  for (const std::string_view needle : {"/", "3.", ".so,", "compute_", "numpy.core._multiarray"})
    for (std::size_t size = 0; size < 70; ++size)
      for (std::size_t at = 0; at + needle.size() <= size; ++at) {
        std::string text(size, needle.back());
        text.replace(at, needle.size(), needle);
        for (const std::size_t from : {std::size_t{0}, at, at + 1, size})
          ASSERT_EQ(find_text(text, needle, from), text.find(needle, from))
              << needle << " at " << at << " of " << size << ", from " << from;
      }
}

TEST(FindText, NowhereIsNpos) {
  EXPECT_EQ(find_text("", "ab"), kNowhere);
  EXPECT_EQ(find_text("a", "ab"), kNowhere);
  EXPECT_EQ(find_text(std::string(100, 'a'), "ab"), kNowhere);
  EXPECT_EQ(find_text("ab", "ab", 1), kNowhere);
  EXPECT_EQ(find_text("ab", "ab", 99), kNowhere);
}

}  // namespace
}  // namespace gpuinit::base
