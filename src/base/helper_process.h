// The processes that gpuinit starts for its own purposes: probes, reading ahead, what keeps the
// driver awake. None may cost the command anything: where room for processes is short they go
// first, and one that cannot be ended is never left to the command.
#pragma once

#include <sys/types.h>

#include <cerrno>

namespace gpuinit::base {

// Spare helpers are children that lead a process group of their own and may be ended at any
// time. They are known here from add_spare() until somebody takes them or they are given up.
void add_spare(pid_t leader);
// False if it was given up or is no unreaped child any more: then it must not be signalled.
bool take_spare(pid_t leader);
// Ends them all. False if there was none.
bool give_up_spares();

// Kills and reaps a helper and its group; waits a second at most.
void end_helper(pid_t leader);
// SIGKILL has not ended it (it is uninterruptible, in a driver or on a disk), and it is not waited
// for any longer.
void abandon_helper(pid_t leader);
// True while one is left that was abandoned: whoever became the command would be its parent.
bool helpers_are_left();

// Spare and abandoned ones.
bool has_helpers();
bool is_helper(pid_t pid);
// Its status was taken: the number is free for another process.
void helper_was_reaped(pid_t pid);

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
