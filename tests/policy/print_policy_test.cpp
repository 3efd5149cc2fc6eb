#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "policy/layers.h"
#include "policy/load_policy.h"
#include "policy_fields.h"

namespace gpuinit::policy {
namespace {

using testing::HasSubstr;

// Every key away from its built-in value, with what is hard to write in TOML.
Layers unusual() {
  Layers layers = test::layers();
  const char* settings[] = {
      "python.interpreter='/a \"b\"\\c # d/\xc3\xa4'",
      "torch.required=true",
      "require.frameworks=[\"jax\"]",
      "extensions.include=['torchvision/*', 'a \"b\"*']",
      "extensions.exclude=xformers/*",
      "extensions.all=true",
      "checks.undecided=warn",
      "accept=[{check='user', about='a \"b\"*', why='w', until='2027-01-31'}]",
      "gpu.required=yes",
      "gpu.count=>=8",
      "gpu.name=[\"H100\", \"*A100*\"]",
      "gpu.compute-capability=>=8.0",
      "gpu.mig=no",
      "gpu.same=true",
      "gpu.memory-total=75GiB",
      "gpu.memory=1536MiB",
      "gpu.features=[\"bf16\", \"p2p\"]",
      "expect.python=>=3.10,<3.13",
      "expect.torch=2.8.*",
      "expect.cuda=12.8",
      "expect.driver=>=535",
      "expect.packages.onnxruntime-gpu=>=1.20,<2",
      "probe.timeout=0.001",
      "probe.sandbox=best-effort",
      "python.probe=import",
      "python.imports=[\"torchvision\", \"a.b\"]",
      "image.seal=/seal",
      "warmup.timeout=2.5",
      "warmup.hold=0",
      "warmup.pages=seal",
      "warmup.max-bytes=1536MiB",
      "wait.for=[\"busy\", \"no-device\"]",
      "wait.timeout=7",
      "seccomp.base=docker-default",
      "seccomp.profile=/profile.json",
      "seccomp.allow=mount",
      "seccomp.deny=[\"ptrace\"]",
      "seccomp.log=true",
      "warmup.context=false",
      "report.termination-log=",
      "launch.mode=supervise",
      "launch.follow=off",
      "launch.follow-timeout=1.5",
      "launch.signal-target=group",
      "launch.grace=28.5",
      "launch.parent-death-signal=SIGTERM",
      "launch.exit-zero=[130, 143]",
      "launch.postmortem=false",
      "launch.postmortem-exit=true",
      "launch.signals.SIGHUP=ignore",
      "launch.signals.SIGTERM=INT",
      "launch.signals.\"SIGRTMIN+3\"=SIGRTMIN+4"};
  for (const auto* setting : settings) EXPECT_TRUE(layers.add_setting(setting, "--set")) << setting;
  for (const auto& [id, level] : test::key_table().built_in().checks)
    EXPECT_TRUE(layers.add_setting("checks." + id + "=off", "GPUINIT_SET")) << id;
  return layers;
}

TEST(PrintPolicy, CanBeLoadedAgain) {
  const auto loaded = unusual().loaded();
  for (const auto& row : loaded.keys()) ASSERT_NE(row.origin, "built in") << row.key;
  Layers again = test::layers();
  const auto done = again.add_file("printed", print_policy(loaded));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(test::fields(again.loaded().policy), test::fields(loaded.policy));
  for (const auto& row : again.loaded().keys())
    EXPECT_THAT(row.origin, HasSubstr("printed:")) << row.key;
}

TEST(PrintPolicy, ShowsWhereEachValueIsFrom) {
  Layers layers = test::layers();
  ASSERT_TRUE(layers.add_file("/etc/gpuinit/policy.toml", "version = 1\nprobe.timeout = 1.5\n"));
  ASSERT_TRUE(layers.add_setting("gpu.required=no", "--set"));
  const auto text = print_policy(layers.loaded());
  EXPECT_THAT(text, testing::StartsWith("version = 1\n\n[checks]\nimage.readable = \"fail\""));
  EXPECT_THAT(
      text, testing::ContainsRegex("\n\\[probe\\]\ntimeout = 1.5 +# /etc/gpuinit/policy.toml:2\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n\\[gpu\\]\nrequired = \"no\" +# --set\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\ncount = \">=1\" +# built in\n"));
}

TEST(PrintPolicy, ChangedIsWhatHasAnotherValueThanTheBuiltInOne) {
  Layers layers = test::layers();
  for (const char* setting :
       {"gpu.count=8", "gpu.required=auto", "checks.user=fail", "checks.platform=fail",
        "launch.signals.SIGTERM=forward", "expect.packages.jax=", "expect.packages.numpy=1.26"})
    ASSERT_TRUE(layers.add_setting(setting, "--set")) << setting;
  EXPECT_EQ(print_policy(layers.loaded(), Show::kChanged),
            "version = 1\n\n[checks]\nuser = \"fail\"            # --set\n"
            "\n[gpu]\ncount = \"8\"              # --set\n"
            "\n[expect]\npackages.numpy = \"1.26\"  # --set\n");
  const auto json = policy_json(layers.loaded(), Show::kChanged);
  EXPECT_EQ(json.find("policy")->as_array()->size(), 3U);
  EXPECT_EQ(print_policy(test::layers().loaded(), Show::kChanged), "version = 1\n");
}

TEST(PrintPolicy, EverythingChangedIsChanged) {
  const auto loaded = unusual().loaded();
  EXPECT_EQ(loaded.changed_keys().size(), loaded.keys().size());
}

TEST(PrintPolicy, AlignsTheOrigins) {
  const auto text = print_policy(test::layers().loaded());
  std::vector<std::size_t> columns;
  for (const auto line : base::split_lines(text))
    if (line.find('#') != std::string_view::npos) columns.push_back(line.find('#'));
  ASSERT_EQ(columns.size(), test::keys_always_shown());
  EXPECT_THAT(columns, testing::Each(columns[0]));
}

TEST(PrintPolicy, AFileNameCannotBreakOutOfItsComment) {
  Layers layers = test::layers();
  ASSERT_TRUE(layers.add_file("/a\n[gpu]\ncount = \"0\"", "version = 1\nprobe.timeout = 2\n"));
  Layers again = test::layers();
  ASSERT_TRUE(again.add_file("printed", print_policy(layers.loaded())));
  EXPECT_EQ(again.loaded().policy.gpu.count, ">=1");
}

TEST(PolicyJson, HasEveryKeyWithItsTypeAndOrigin) {
  const auto json = base::parse_json(base::print_json(policy_json(unusual().loaded())));
  ASSERT_TRUE(json);
  EXPECT_EQ(std::get<std::uint64_t>(json->find("schema")->value), 1U);
  const auto* rows = json->find("policy")->as_array();
  ASSERT_NE(rows, nullptr);
  ASSERT_EQ(rows->size(), test::keys_always_shown() + 5);
  std::map<std::string, const base::Json*> values;
  for (const auto& row : *rows) {
    values[*row.find("key")->as_string()] = row.find("value");
    EXPECT_NE(row.find("origin")->as_string(), nullptr);
  }
  EXPECT_EQ(*values.at("checks.python.abi")->as_string(), "off");
  EXPECT_EQ(*values.at("torch.required")->as_bool(), true);
  EXPECT_EQ(std::get<double>(values.at("probe.timeout")->value), 0.001);
  EXPECT_EQ(*values.at("gpu.count")->as_string(), ">=8");
  EXPECT_EQ(values.at("launch.exit-zero")->as_array()->size(), 2U);
  EXPECT_EQ(*values.at("expect.packages.onnxruntime-gpu")->as_string(), ">=1.20,<2");
  EXPECT_EQ(*values.at("launch.signals.SIGTERM")->as_string(), "SIGINT");
}

}  // namespace
}  // namespace gpuinit::policy
