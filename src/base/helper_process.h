// The processes that gpuinit starts for its own purposes: probes, reading ahead, what keeps the
// driver awake. None may cost the command anything: where room for processes is short they go
// first, and what is left of one can never be seen by the command's wait(2).
#pragma once

#include <sys/types.h>

#include <cerrno>

namespace gpuinit::base {

// As fork(2); see hide_helpers(). A system call of its own: no function that was registered for
// fork(2) is called.
pid_t fork_helper();

// For exec mode, before the first helper. One that even SIGKILL does not end (uninterruptible in
// a driver or on a disk) becomes the command's child; from here on it is one of clone(2)'s
// children without a signal, which wait(2) and waitid(2) do not find.
void hide_helpers();

// Spare helpers lead a process group of their own, and may be ended at any time. They are known
// here from add_spare() until somebody takes them or they are given up.
void add_spare(pid_t leader);
// False if it was given up or is no unreaped child any more: then it must not be signalled.
bool take_spare(pid_t leader);
void forget_spares();
// Kills them and waits for each, a second at most. False if there was none.
bool give_up_spares();

// What `make` (fork(2) or the like) returns, and in `errno` why it failed. Where the kernel
// allows no process more, the spare helpers are given up and it is made once more.
template <class Make>
pid_t with_room(const Make& make) {
  const pid_t pid = make();
  return pid < 0 && errno == EAGAIN && give_up_spares() ? make() : pid;
}

// How many tasks of a spare helper there is room for, none to `wanted`: a sixteenth of what limits
// leave, so that those of the command find room beside them.
int room_for_spares(int wanted);

}  // namespace gpuinit::base
