// A seal as a file: nothing is lost, nothing else is read, nothing in it is believed.
#include "facts/seal_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "facts/sample_facts.h"

namespace gpuinit::facts {
namespace {

Seal sample() {
  Seal seal;
  seal.sealed_at = 1'760'000'000;
  seal.include = {"torchvision/*"};
  seal.exclude = {"x", ""};
  for (ImageFacts facts : {test::full_facts().image, test::absent_facts().image}) {
    facts.interpreter = test::full_facts().image.interpreter;
    SealedPython python;
    python.facts = std::move(facts);
    python.facts.python_probe = {};  // these two are not sealed
    python.facts.seal = {};
    python.first_entry = "/app";
    python.isolated = python.no_site = true;
    python.ignore_environment = python.no_user_site = true;
    python.variables = {{"HOME", ""}, {"LD_LIBRARY_PATH", "/a:\n"}};
    python.working_directory = "/w";
    python.libpython = Fact<std::string>::absent("it is static");
    seal.pythons.push_back(std::move(python));
  }
  using Kind = Witness::Kind;
  seal.witnesses = {{"/a", true, -1, {{Kind::kFile, "f", 1ULL << 40, 1'700'000'000, 0100644, ""}}},
                    {"/b",
                     false,
                     0,
                     {{Kind::kAbsent, "n", 0, 0, 0, ""},
                      {Kind::kLink, "l", 0, 0, 0, "../f"},
                      {Kind::kOther, "o", 0, 0, 040755, ""}}}};
  seal.readable_by_all = true;
  seal.uid = 4'294'967'295U;
  seal.library_cache = {{"libc.so.6", "/lib/libc.so.6"}, {"libx.so", ""}};
  seal.mounts = {"/home"};
  return seal;
}

Result<Seal> parse(const std::string& text) {
  return read_seal(base::MemorySource(std::as_bytes(std::span(text)), "seal"));
}

TEST(SealFile, NothingIsLost) {
  const auto back = parse(seal_text(sample(), "pages"));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_TRUE(*back == sample());
}

TEST(SealFile, CarriesARecordingOrNone) {
  for (const std::string recording : {"", "gpuinit-pages\nx"}) {
    const std::string text = seal_text(sample(), recording);
    const base::MemorySource file(std::as_bytes(std::span(text)), "seal");
    EXPECT_TRUE(is_seal(file));
    EXPECT_EQ(read_sealed_recording(file).value_or("?"), recording);
  }
}

TEST(SealFile, SaysWhatIsWrong) {
  EXPECT_EQ(parse("").error().message, "it is not a seal");
  EXPECT_EQ(parse("{\"schema\": 1}").error().message, "it is not a seal");
  EXPECT_EQ(parse("gpuinit-seal 1 12 0 0\n").error().message, "it is of another gpuinit");
  const std::string text = seal_text(sample(), "recording");
  EXPECT_EQ(parse(text.substr(0, text.size() - 1)).error().message, "it is cut off");
  std::string damaged = text;
  damaged.replace(text.find('\n') + 1, 40, 40, '\xff');
  EXPECT_EQ(parse(damaged).error().message, "it is damaged");
  Seal empty = sample();
  empty.pythons.clear();
  EXPECT_EQ(parse(seal_text(empty, "")).error().message, "it is damaged");
}

TEST(SealFile, NoByteOfItIsBelieved) {
  const std::string text = seal_text(sample(), "");
  for (std::size_t at = text.find('\n') + 1; at < text.size(); ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string other = text;
      other[at] = byte;
      const auto seal = parse(other);  // whatever it is: no crash, no endless list
      if (seal) {
        EXPECT_FALSE(seal->pythons.empty());
      }
    }
  }
}

}  // namespace
}  // namespace gpuinit::facts
