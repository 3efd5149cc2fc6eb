// `podman run -it`: the command on a terminal that the engine made.
#include <gmock/gmock.h>

#include "container/podman.h"

namespace gpuinit::test {
namespace {

using testing::HasSubstr;

class OnATerminal : public InContainers<> {
 protected:
  static std::unique_ptr<Container> interactive(const Words& command) {
    return std::make_unique<Container>(command, Words{"--interactive", "--tty"}, kTraining, true);
  }
  // What a terminal's window does when it is dragged.
  static void resize(const RunningProgram& program, unsigned short rows, unsigned short columns) {
    const std::string name = "/proc/" + std::to_string(program.pid()) + "/fd/0";
    const int terminal = ::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    const winsize size{rows, columns, 0, 0};
    EXPECT_EQ(::ioctl(terminal, TIOCSWINSZ, &size), 0);
    ::close(terminal);
  }
};

TEST_F(OnATerminal, TheCommandHasOne) {
  const auto container =
      interactive(python("import os, sys; print('tty', [os.isatty(n) for n in (0, 1, 2)], "
                         "'foreground', os.tcgetpgrp(0) == os.getpgrp()); sys.exit(6)"));
  EXPECT_EQ(container->finish(), 6);
  EXPECT_THAT(container->said(), HasSubstr("tty [True, True, True] foreground True"));
}

TEST_F(OnATerminal, CtrlCArrivesOnce) {
  const auto container =
      interactive(python("import signal, time\n"
                         "got = []\n"
                         "signal.signal(signal.SIGINT, lambda *_: got.append(1))\n"
                         "print('ready', flush=True)\n"
                         "while not got: time.sleep(0.01)\n"
                         "time.sleep(0.5)\n"
                         "print('interrupts', len(got))\n"));
  ASSERT_TRUE(container->says("ready")) << container->said();
  container->program().type("\x03");
  EXPECT_EQ(container->finish(), 0);
  EXPECT_THAT(container->said(), HasSubstr("interrupts 1\r\n"));
}

TEST_F(OnATerminal, CtrlCEndsAPythonAsItDoesInAShell) {
  // In short sleeps: a signal just before one is heeded by Python only after it.
  const auto container = interactive(
      python("import time; print('ready', flush=True); [time.sleep(0.1) for _ in range(1000)]"));
  ASSERT_TRUE(container->says("ready")) << container->said();
  container->program().type("\x03");
  EXPECT_EQ(container->finish(), 128 + SIGINT);
  EXPECT_THAT(container->said(), HasSubstr("KeyboardInterrupt"));
}

// No shell is there to say `fg`.
TEST_F(OnATerminal, CtrlZDoesNotWedge) {
  const auto container = interactive(shell("echo ready; read line; echo got $line; exit 5"));
  ASSERT_TRUE(container->says("ready")) << container->said();
  container->program().type("\x1a");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  container->program().type("hello\r");
  EXPECT_TRUE(container->says("got hello")) << container->said();
  EXPECT_EQ(container->finish(), 5);
}

TEST_F(OnATerminal, AChangedWindowIsToldToTheCommand) {
  const auto container =
      interactive(shell("trap 'echo size $(stty size); exit 0' WINCH; echo ready; "
                        "while :; do sleep 0.02; done"));
  ASSERT_TRUE(container->says("ready")) << container->said();
  // podman sets the first size about when the command starts.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  resize(container->program(), 33, 77);
  EXPECT_EQ(container->finish(), 0);
  EXPECT_THAT(container->said(), HasSubstr("size 33 77"));
}

}  // namespace
}  // namespace gpuinit::test
