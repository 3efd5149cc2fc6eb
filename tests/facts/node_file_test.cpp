// `--node FILE` as people write it by hand: short files, and their mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "facts/facts_json.h"

namespace gpuinit::facts {
namespace {

using testing::HasSubstr;

Result<NodeFacts> read(const std::string& text) {
  auto json = base::parse_json(text);
  if (!json) return std::move(json).error();
  return node_from_json(*json);
}

std::string problem(const std::string& text) {
  auto node = read(text);
  return node.ok() ? "no problem" : node.error().message;
}

TEST(NodeFile, AShortOneLeavesTheRestUnknown) {
  auto node = read(R"({"node":{"driver":{"kernel_version":"535.104.05","cuda_version":"12.2"},
    "devices":[{"name":"NVIDIA H100 80GB HBM3","compute_capability":"9.0",
                "memory_bytes":85899345920}]}})");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_EQ(*node->driver.kernel_version, "535.104.05");
  EXPECT_EQ(*node->driver.cuda_version, "12.2");
  EXPECT_TRUE(node->driver.libcuda.is_unknown());
  EXPECT_EQ(node->driver.libcuda.reason(), "not in the node file");
  ASSERT_TRUE(node->devices.known());
  ASSERT_EQ(node->devices->size(), 1U);
  const auto& device = node->devices->front();
  EXPECT_EQ(*device.name, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(*device.compute_capability, "9.0");
  EXPECT_EQ(*device.memory_bytes, 85899345920U);
  EXPECT_EQ(device.uuid.reason(), "not in the node file");
  EXPECT_TRUE(device.context.is_unknown());
  EXPECT_TRUE(node->device_nodes.is_unknown());
  EXPECT_TRUE(node->environment.is_unknown());
  EXPECT_EQ(node->probe.reason(), "not in the node file");
}

TEST(NodeFile, AnEmptyNodeIsAllUnknown) {
  auto node = read(R"({"node":{}})");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_TRUE(node->driver.kernel_version.is_unknown());
  EXPECT_EQ(node->driver.kernel_version.reason(), "not in the node file");
  EXPECT_TRUE(node->devices.is_unknown());
}

TEST(NodeFile, NullIsAbsentAndReasonsAreTaken) {
  auto node = read(R"({"node":{"driver":{"kernel_version":null,
    "libcuda":{"absent":"CPU node"},"cuda_version":{"unknown":"nobody asked"}},"devices":[]}})");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_TRUE(node->driver.kernel_version.is_absent());
  EXPECT_TRUE(node->driver.libcuda.is_absent());
  EXPECT_EQ(node->driver.libcuda.reason(), "CPU node");
  EXPECT_EQ(node->driver.cuda_version.reason(), "nobody asked");
  EXPECT_TRUE(node->devices->empty());
}

TEST(NodeFile, CommentsAreAllowed) {
  EXPECT_TRUE(read(R"({"$schema":"x","_why":"y","node":{"_note":1,"driver":{"_":2}}})").ok());
}

TEST(NodeFile, AWholeFactsOutputIsTakenWhateverItsImage) {
  auto node = read(R"({"schema":1,"image":{"anything":1},"node":{"devices":[]}})");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_TRUE(node->devices->empty());
}

TEST(NodeFile, AWholeCheckReportIsTaken) {
  auto node = read(R"({"schema":1,"verdict":"fail","exit_code":66,"findings":[],
    "facts":{"image":{},"node":{"driver":{"cuda_version":"12.2"}}},"timings_ms":{"total":3}})");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_EQ(*node->driver.cuda_version, "12.2");
}

// Its own number is not that of the facts in it.
TEST(NodeFile, TheSchemaOfAReportsFactsIsTheirs) {
  EXPECT_TRUE(read(R"({"schema":2,"facts":{"schema":1,"node":{}}})").ok());
  EXPECT_EQ(problem(R"({"schema":1,"facts":{"schema":2,"node":{}}})"),
            "facts.schema: this gpuinit reads schema 1 of the facts, got 2");
}

TEST(NodeFile, AVersionAsNumberIsRefusedWithAHint) {
  EXPECT_EQ(problem(R"({"node":{"devices":[{"compute_capability":9.0}]}})"),
            "node.devices[0].compute_capability: expected a string like \"9.0\", got number 9.0: "
            "put it in quotes");
  EXPECT_THAT(problem(R"({"node":{"driver":{"cuda_version":12.10}}})"),
              HasSubstr("node.driver.cuda_version: expected a string like \"12.2\""));
}

TEST(NodeFile, AVersionThatNoCheckCouldReadIsRefused) {
  EXPECT_EQ(problem(R"({"node":{"devices":[{"compute_capability":"9.0"},
                                           {"compute_capability":"sm_90"}]}})"),
            "node.devices[1].compute_capability: expected text like \"9.0\", got string "
            "\"sm_90\"");
  for (const char* text : {"90", "9.", ".0", "9.0.1", "9.0 ", "", "-9.0"})
    EXPECT_THAT(
        problem(std::string(R"({"node":{"devices":[{"compute_capability":")") + text + "\"}]}}"),
        HasSubstr("compute_capability: expected"))
        << text;
  EXPECT_THAT(problem(R"({"node":{"driver":{"kernel_version":"R535"}}})"),
              HasSubstr("node.driver.kernel_version: expected text like \"535.104.05\""));
  EXPECT_THAT(problem(R"({"node":{"driver":{"libcuda":{"kind":"stubs"}}}})"),
              HasSubstr("node.driver.libcuda.kind: expected text like \"driver\", \"stub\""));
}

TEST(NodeFile, AWrongTypeNamesThePlace) {
  EXPECT_EQ(problem(R"({"node":[]})"), "node: expected an object, got an array");
  EXPECT_EQ(problem(R"({"node":{"driver":null}})"), "node.driver: expected an object, got null");
  EXPECT_EQ(problem(R"({"node":{"devices":{}}})"),
            "node.devices: expected an array, got an object");
  EXPECT_EQ(problem(R"({"node":{"devices":[1]}})"),
            "node.devices[0]: expected an object, got number 1");
  EXPECT_EQ(problem(R"({"node":{"devices":[{"memory_bytes":"80 GB"}]}})"),
            "node.devices[0].memory_bytes: expected a whole number like 85899345920, got string "
            "\"80 GB\"");
  EXPECT_EQ(problem(R"({"node":{"devices":[{"memory_bytes":-1}]}})"),
            "node.devices[0].memory_bytes: expected a whole number like 85899345920, got number "
            "-1");
  EXPECT_EQ(problem(R"({"node":{"devices":[{"mig":"no"}]}})"),
            "node.devices[0].mig: expected true or false, got string \"no\"");
  EXPECT_EQ(problem(R"({"node":{"environment":{"LD_LIBRARY_PATH":["/a"]}}})"),
            "node.environment.LD_LIBRARY_PATH: expected a string, got an array");
  EXPECT_THAT(problem(R"({"node":{"probe":{"outcome":"ok"}}})"),
              HasSubstr("node.probe.outcome: expected one of answered, timed-out"));
}

TEST(NodeFile, WhatWouldClaimSomethingMayNotBeLeftOut) {
  EXPECT_EQ(problem(R"({"node":{"device_nodes":[{"path":"/dev/nvidia0"}]}})"),
            "node.device_nodes[0].open_errno: is missing");
  EXPECT_EQ(problem(R"({"node":{"probe":{}}})"), "node.probe.outcome: is missing");
  EXPECT_THAT(problem(R"({"node":{"devices":[{"context":{}}]}})"),
              HasSubstr("node.devices[0].context.cuda_error: is missing"));
}

TEST(NodeFile, LimitsAndMachineCanBeWrittenByHand) {
  auto node = read(R"({"node":{"machine":"aarch64","limits":{"memlock_bytes":null},
    "shared_memory":{"bytes":67108864,"free_bytes":67108864},"rdma_devices":[],
    "kernel_gpus":[{"name":"NVIDIA H100 80GB HBM3","uuid":"GPU-1","minor":0}],
    "jit_cache":{"path":"/root/.nv/ComputeCache","write_errno":30}}})");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_EQ(*node->machine, "aarch64");
  EXPECT_TRUE(node->limits.memlock_bytes.is_absent());
  EXPECT_EQ(node->limits.ipc_lock.reason(), "not in the node file");
  EXPECT_EQ(node->shared_memory->bytes, 67108864U);
  EXPECT_EQ(node->kernel_gpus->front().minor, Fact<int>(0));
  EXPECT_TRUE(node->jit_cache->free_bytes.is_unknown());
  auto bare = read(R"({"node":{}})");
  EXPECT_EQ(bare->limits.memlock_bytes.reason(), "not in the node file");
  EXPECT_TRUE(bare->machine.is_unknown());
}

TEST(NodeFile, TheProcessorIsCalledAsUnameCallsIt) {
  EXPECT_EQ(problem(R"({"node":{"machine":"amd64"}})"),
            "node.machine: expected text like \"x86_64\" or \"aarch64\", got string \"amd64\"");
  EXPECT_EQ(problem(R"({"node":{"shared_memory":{"bytes":1}}})"),
            "node.shared_memory.free_bytes: is missing");
}

TEST(NodeFile, AnUnknownKeyIsRefusedWithTheNearestValidOne) {
  EXPECT_EQ(problem(R"({"node":{"dirver":{}}})"),
            "node: unknown key `dirver`; did you mean `driver`?");
  EXPECT_EQ(problem(R"({"node":{"devices":[{"compute_capabilty":"9.0"}]}})"),
            "node.devices[0]: unknown key `compute_capabilty`; did you mean `compute_capability`?");
  EXPECT_THAT(problem(R"({"node":{"driver":{"zzz":1}}})"),
              HasSubstr("unknown key `zzz`; valid are kernel_version, cuda_version, libcuda"));
  EXPECT_EQ(problem(R"({"nodes":{}})"), "unknown key `nodes`; did you mean `node`?");
}

TEST(NodeFile, AControlCharacterInAKeyIsShownHarmless) {
  EXPECT_THAT(problem("{\"node\":{\"\\u001b[2J\":1}}"), HasSubstr("`\\x1b[2J`"));
}

TEST(NodeFile, TheDocumentAroundTheNodeIsChecked) {
  EXPECT_EQ(problem("{}"), "there is no \"node\" in it");
  EXPECT_EQ(problem("[]"), "expected an object like {\"node\": {…}}, got an array");
  EXPECT_EQ(problem(R"({"driver":{}})"),
            "\"driver\" belongs inside \"node\": write {\"node\": {\"driver\": …}}");
  EXPECT_EQ(problem(R"({"schema":2,"node":{}})"),
            "schema: this gpuinit reads schema 1 of the facts, got 2");
  EXPECT_EQ(problem(R"({"schema":"1","node":{}})"),
            "schema: this gpuinit reads schema 1 of the facts, got \"1\"");
  EXPECT_EQ(problem(R"({"facts":{},"node":{}})"),
            "\"node\" and \"facts\" side by side: keep the one you mean");
  EXPECT_EQ(problem(R"({"facts":[]})"), "facts: expected an object, got an array");
}

}  // namespace
}  // namespace gpuinit::facts
