#include "base/pass_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/unique_fd.h"

namespace gpuinit::base {
namespace {

class PassDescriptor : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    here_.reset(ends[0]);
    there_.reset(ends[1]);
  }

  UniqueFd here_;
  UniqueFd there_;
};

TEST_F(PassDescriptor, ArrivesAsAnotherNumberForTheSameFile) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_TRUE(send_descriptor(here_.get(), ends[1]));
  const UniqueFd received(receive_descriptor(there_.get(), true));
  ASSERT_TRUE(received.valid());
  EXPECT_NE(received.get(), ends[1]);
  EXPECT_NE(::fcntl(received.get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(::write(received.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(PassDescriptor, NothingYetIsNoError) {
  EXPECT_EQ(receive_descriptor(there_.get(), false), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(PassDescriptor, SaysWhenTheOtherEndIsGone) {
  here_.reset();
  EXPECT_EQ(receive_descriptor(there_.get(), true), -1);
  EXPECT_EQ(errno, ENODATA);
  EXPECT_FALSE(send_descriptor(there_.get(), 0)) << "and no SIGPIPE";
}

TEST_F(PassDescriptor, AMessageWithoutOneIsNone) {
  ASSERT_EQ(::write(here_.get(), "x", 1), 1);
  EXPECT_EQ(receive_descriptor(there_.get(), true), -1);
  EXPECT_EQ(errno, ENODATA);
}

TEST_F(PassDescriptor, WhatIsNoDescriptorIsNotSent) {
  EXPECT_FALSE(send_descriptor(here_.get(), 987654));
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace gpuinit::base
