// Prints everything a process inherits, so that two ways of starting can be compared.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  std::printf("pid %d\n", static_cast<int>(::getpid()));
  for (int i = 0; i < argc; ++i) std::printf("argv %s\n", argv[i]);
  for (char** v = environ; *v != nullptr; ++v) std::printf("env %s\n", *v);
  char cwd[4096];
  std::printf("cwd %s\n", ::getcwd(cwd, sizeof cwd) != nullptr ? cwd : "?");
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    char link[64];
    char target[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = ::readlink(link, target, sizeof target - 1);
    target[std::max<ssize_t>(n, 0)] = '\0';
    std::printf("fd %d %s\n", fd, target);
  }
  if (FILE* status = std::fopen("/proc/self/status", "re")) {
    char line[256];
    while (std::fgets(line, sizeof line, status) != nullptr)
      if (std::strncmp(line, "Sig", 3) == 0 && std::strncmp(line, "SigQ", 4) != 0)
        std::fputs(line, stdout);
  }
  return 7;
}
