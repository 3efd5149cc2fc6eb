#include "probe/child/child_program.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace gpuinit::probe {

namespace {

constexpr long kFaccessat2 = 439;  // Linux 5.8; the same number everywhere

std::string proc_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (written == 0) errno = EIO;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// A file that someone else may change must not run with our rights.
bool safe_to_run(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return false;
  return S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0 &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
         (status.st_uid == 0 || status.st_uid == ::geteuid());
}

}  // namespace

ProgramExec::ProgramExec(const ChildProgram& program) : program_(program) {
  argv_.push_back(const_cast<char*>(program.name.c_str()));
  for (const auto& argument : program.arguments)
    argv_.push_back(const_cast<char*>(argument.c_str()));
  argv_.push_back(nullptr);
  for (const auto& variable : program.environment)
    envp_.push_back(const_cast<char*>(variable.c_str()));
  envp_.push_back(nullptr);
  refusals_.reserve(400);
}

void ProgramExec::run(const std::function<bool()>& enter_sandbox) {
  find_installed();
  if (!program_.image.empty() && !make_memfd())
    for (const auto& directory : program_.scratch_directories)
      if (make_in(directory)) break;
  if (!enter_sandbox()) return;
  for (const Carrier& carrier : carriers_)
    if (exec_file(carrier.fd.get(), carrier.where.c_str())) return;
}

void ProgramExec::refused(const char* where, int error) {
  if (!refusals_.empty()) refusals_ += "; ";
  refusals_ += std::string(where) + ": " + ::strerror(error);
}

// True if no other way will do better.
bool ProgramExec::exec_file(int fd, const char* where) {
  ::syscall(SYS_execveat, fd, "", argv_.data(), envp_.data(), AT_EMPTY_PATH);
  if (errno == ENOSYS || errno == EPERM) {
    // Refused by an old kernel or a seccomp filter that does not know the call. Without
    // /proc its own answer stands: ENOENT would then not be about the loader.
    const int refusal = errno;
    const std::string path = proc_path(fd);
    errno = refusal;
    if (::access(path.c_str(), F_OK) == 0) ::execve(path.c_str(), argv_.data(), envp_.data());
    else errno = refusal;
  }
  // ELIBBAD: the loader is there and is not a loader.
  no_loader_ = errno == ENOENT || errno == ELIBBAD;
  refused(where, errno);
  return no_loader_;
}

void ProgramExec::find_installed() {
  if (program_.installed_path.empty()) return;
  base::UniqueFd fd(::open(program_.installed_path.c_str(), O_PATH | O_CLOEXEC));
  if (fd.valid() && (program_.for_the_command || safe_to_run(fd.get())))
    carriers_.push_back({std::move(fd), program_.installed_path});
  else if (program_.image.empty())
    refused(program_.installed_path.c_str(), fd.valid() ? EPERM : errno);
}

// False if it cannot be made or executed.
bool ProgramExec::make_memfd() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const auto create = [&](unsigned flags) {
    return static_cast<int>(::syscall(SYS_memfd_create, program_.name.c_str(), flags));
  };
  int created = create(kFlags | MFD_EXEC);
  if (created < 0 && errno == EINVAL) created = create(kFlags);  // kernels before 6.3
  base::UniqueFd fd(created);
  if (!fd.valid() || !write_all(fd.get(), program_.image)) {
    refused("memfd", errno);
    return false;
  }
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  // Some security modules let a process make one and not run it. Kernels before 5.8 do not
  // know the question.
  const bool executable =
      ::syscall(kFaccessat2, fd.get(), "", X_OK, AT_EMPTY_PATH) == 0 || errno != EACCES;
  carriers_.push_back({std::move(fd), "memfd"});
  return executable;
}

bool ProgramExec::make_in(const std::string& directory) {
  base::UniqueFd fd(unlinked_file(directory));
  struct statvfs file_system {};
  if (fd.valid() && ::fstatvfs(fd.get(), &file_system) == 0 &&
      (file_system.f_flag & ST_NOEXEC) != 0) {
    fd.reset();
    errno = EACCES;
  }
  if (!fd.valid()) {
    refused(directory.c_str(), errno);
    return false;
  }
  carriers_.push_back({std::move(fd), directory});
  return true;
}

// The image in a file without a name, open for reading only (ETXTBSY otherwise). -1 and errno
// if it cannot be made.
int ProgramExec::unlinked_file(const std::string& directory) {
  const base::UniqueFd unnamed(
      ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IXUSR));
  if (unnamed.valid()) {
    if (!write_all(unnamed.get(), program_.image)) return -1;
    const int reopened = ::open(proc_path(unnamed.get()).c_str(), O_RDONLY | O_CLOEXEC);
    if (reopened >= 0) return reopened;
  }
  // A file system without O_TMPFILE, or no /proc: a name for as long as it takes. Others may
  // write into the directory: the name must be new, and the file stay the same one.
  const std::string path = directory + "/." + program_.name + "." + std::to_string(::getpid());
  const base::UniqueFd named(
      ::open(path.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, S_IRUSR | S_IXUSR));
  if (!named.valid()) return -1;
  const bool written = write_all(named.get(), program_.image);
  const int write_error = errno;
  base::UniqueFd reopened(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  ::unlink(path.c_str());
  struct stat ours {};
  struct stat theirs {};
  if (!written || !reopened.valid() || ::fstat(named.get(), &ours) != 0 ||
      ::fstat(reopened.get(), &theirs) != 0 || ours.st_ino != theirs.st_ino ||
      ours.st_dev != theirs.st_dev) {
    errno = written ? EPERM : write_error;
    return -1;
  }
  return reopened.release();
}

}  // namespace gpuinit::probe
