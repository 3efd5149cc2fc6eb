#include "assess/driver_probe.h"

#include <gtest/gtest.h>

namespace gpuinit::assess {
namespace {

TEST(DriverProbe, MayRunBesideTheReadingOfTheImage) { EXPECT_TRUE(may_probe_early({}, {})); }

TEST(DriverProbe, NotWhereItMayTurnOutThatTheDriverIsNotAsked) {
  Policy no_gpu;
  no_gpu.gpu.required = GpuRequired::kNo;
  EXPECT_FALSE(may_probe_early({}, no_gpu));

  AssessRequest saved_node;
  saved_node.node_file = "node.json";
  EXPECT_FALSE(may_probe_early(saved_node, {}));

  AssessRequest at_exec;
  at_exec.is_worth_judging = [](const ImageFacts&) { return false; };
  EXPECT_FALSE(may_probe_early(at_exec, {}));
}

TEST(DriverProbe, NotWhereItHasAnsweredAndWouldSayTheSame) {
  AskedNode asked;
  asked.environment["LD_LIBRARY_PATH"] = "/a";
  asked.node.probe = ProbeRun{};
  AssessRequest request;
  request.asked_node = &asked;
  request.environment["LD_LIBRARY_PATH"] = "/a";
  request.environment["HOME"] = "/root";
  EXPECT_EQ(answer_before(request), &asked.node);
  EXPECT_FALSE(may_probe_early(request, {}));
  request.environment["LD_LIBRARY_PATH"] = "/b";
  EXPECT_EQ(answer_before(request), nullptr);
  EXPECT_TRUE(may_probe_early(request, {}));
}

}  // namespace
}  // namespace gpuinit::assess
