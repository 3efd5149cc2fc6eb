// A descriptor that goes to another process over a Unix socket: SCM_RIGHTS, unix(7).
#pragma once

namespace gpuinit::base {

// False and errno: it was not sent.
bool send_descriptor(int socket, int fd);

// The descriptor that was sent, close-on-exec and the caller's own. -1 and errno: EAGAIN,
// nothing is there yet and `wait` is false; ENODATA, the other end is gone or sent no descriptor.
int receive_descriptor(int socket, bool wait);

}  // namespace gpuinit::base
