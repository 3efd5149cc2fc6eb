#include "base/signal_name.h"

#include <gtest/gtest.h>

#include <csignal>

namespace gpuinit::base {
namespace {

TEST(SignalName, EverySignalHasANameThatLeadsBackToIt) {
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    const std::string name = signal_name(signal);
    EXPECT_EQ(signal_number(name), signal) << name;
    EXPECT_EQ(signal_number(name.substr(3)), signal) << name;
    EXPECT_EQ(signal_number(std::to_string(signal)), signal);
  }
}

TEST(SignalName, AreThoseOfKill) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(32), "SIG32");
  EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
  EXPECT_EQ(signal_number("SIGRTMAX"), SIGRTMAX);
  EXPECT_EQ(signal_number("RTMAX-2"), SIGRTMAX - 2);
}

TEST(SignalName, EverythingElseIsNone) {
  for (const char* text : {"", "SIG", "TERM ", "sigterm", "0", "65", "-1", "SIGRTMIN+31",
                           "SIGRTMIN-1", "SIGRTMIN+", "SIGRTMAX-31", "SIGSIGTERM"})
    EXPECT_FALSE(signal_number(text)) << text;
}

}  // namespace
}  // namespace gpuinit::base
