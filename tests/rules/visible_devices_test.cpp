#include "rules/visible_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::rules {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

// What is visible, as text; {"twice"} if an entry is repeated.
Texts visible(const VisibleDevices& list) {
  if (!list.twice.empty()) return {"twice"};
  Texts texts;
  for (const auto& entry : list.entries)
    texts.push_back(entry.kind == VisibleEntry::Kind::kIndex ? std::to_string(entry.index)
                                                             : entry.text);
  return texts;
}
Texts parsed(std::string_view text) { return visible(parse_visible_devices(text)); }
Texts on(std::string_view text, const KnownGpus& gpus) {
  return visible(among(parse_visible_devices(text), gpus));
}

// The cases that PyTorch's own tests hold against the driver.
TEST(VisibleDevices, NumbersAreReadAsStrtoulDoes) {
  EXPECT_EQ(parsed("1gpu2,2ampere"), (Texts{"1", "2"}));
  EXPECT_EQ(parsed("0, 1, 2, -1, 3"), (Texts{"0", "1", "2"}));
  EXPECT_EQ(parsed("0, 1, 2, 1"), (Texts{"twice"}));
  EXPECT_EQ(parsed("2, +3, -0, 5"), (Texts{"2", "3", "0", "5"}));
  EXPECT_THAT(parsed("one,two,3,4"), IsEmpty());
  EXPECT_EQ(parsed("4,3,two,one"), (Texts{"4", "3"}));
  EXPECT_EQ(parsed("GPU-9e8d35e3"), (Texts{"GPU-9e8d35e3"}));
  EXPECT_EQ(parsed("MIG-89c850dc"), (Texts{"MIG-89c850dc"}));
}

TEST(VisibleDevices, SomeHideEverything) {
  for (const char* text : {"", " ", "-1", "NoDevFiles", ",0", "none", "void", "gpu-1", "x0"})
    EXPECT_THAT(parsed(text), IsEmpty()) << text;
  EXPECT_EQ(parsed("0,0"), (Texts{"twice"}));
  EXPECT_EQ(parsed("GPU-1,GPU-1"), (Texts{"twice"}));
  EXPECT_THAT(parsed("99999999999999999999999"), IsEmpty());
}

TEST(VisibleDevices, SayWhereReadingEndsAndWhatIsLost) {
  const auto list = parse_visible_devices("0,2,-1,1, GPU-7");
  EXPECT_EQ(list.stopped_at, "-1");
  EXPECT_THAT(list.unread, ElementsAre("1", "GPU-7"));
  EXPECT_EQ(parse_visible_devices("0,1").stopped_at, "");
  EXPECT_THAT(parse_visible_devices("0,1,").unread, IsEmpty());
}

TEST(VisibleDevices, ANumberThatIsTooLargeEndsThem) {
  const KnownGpus two{2, {}};
  EXPECT_EQ(on("1, 0", two), (Texts{"1", "0"}));
  EXPECT_EQ(on("1, 5, 0", two), (Texts{"1"}));
  EXPECT_THAT(on("7", two), IsEmpty());
  EXPECT_EQ(on("7", KnownGpus{}), (Texts{"7"}));
  const auto list = among(parse_visible_devices("1,5,0,-1,3"), two);
  EXPECT_EQ(list.stopped_at, "5");
  EXPECT_THAT(list.unread, ElementsAre("0", "-1", "3"));
}

TEST(VisibleDevices, AShortenedUuidMustFitOneGpuOnly) {
  const KnownGpus gpus{
      8,
      {"GPU-9942190a-aa31-4ff1-4aa9-c388d80f85f1", "GPU-9e8d35e3-a134-0fdd-0e01-23811fdbd293",
       "GPU-e429a63e-c61c-4795-b757-5132caeb8e70", "GPU-eee1dfbc-0a0f-6ad8-5ff6-dc942a8b9d98",
       "GPU-bbcd6503-5150-4e92-c266-97cc4390d04e", "GPU-472ea263-58d7-410d-cc82-f7fdece5bd28",
       "GPU-e56257c4-947f-6a5b-7ec9-0f45567ccf4e", "GPU-1c20e77d-1c1a-d9ed-fe37-18b8466a78ad"}};
  EXPECT_EQ(on("GPU-9e8d35e3", gpus), (Texts{"GPU-9e8d35e3"}));
  EXPECT_EQ(on("GPU-e4,GPU-9e8d35e3", gpus), (Texts{"GPU-e4", "GPU-9e8d35e3"}));
  EXPECT_EQ(on("GPU-9e8d35e3,GPU-1,GPU-47", gpus), (Texts{"GPU-9e8d35e3", "GPU-1", "GPU-47"}));
  EXPECT_THAT(on("GPU-123,GPU-9e8d35e3", gpus), IsEmpty());
  EXPECT_EQ(on("GPU-9e8d35e3,GPU-123,GPU-47", gpus), (Texts{"GPU-9e8d35e3"}));
  EXPECT_EQ(on("GPU-9e8d35e3,GPU-e,GPU-47", gpus), (Texts{"GPU-9e8d35e3"}));
  EXPECT_EQ(on("GPU-9e8d35e3,GPU-47,GPU-9e8", gpus), (Texts{"twice"}));
  EXPECT_EQ(on("GPU-123", KnownGpus{1, {}}), (Texts{"GPU-123"}));
}

TEST(VisibleDevices, MigInstancesOfBothFormsAreTakenAsTheyAre) {
  const KnownGpus gpus{1, {"GPU-1"}};
  for (const char* text : {"MIG-c788539f-c1ea-5a36-8b4d-9b07d024b1bb",
                           "MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/2"})
    EXPECT_EQ(on(text, gpus), (Texts{text}));
}

}  // namespace
}  // namespace gpuinit::rules
