// Turns the errno of a failed execve into the sentence that names its cause: the kernel says
// ENOENT for a script whose interpreter is missing, which reads as if the script were.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/closed_directory.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "launch/exec_command.h"

namespace gpuinit::launch {

namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kOwnMachine = EM_AARCH64;
#else
#error "unknown machine"
#endif

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_PPC64:
      return "ppc64";
    case EM_RISCV:
      return "RISC-V";
    case EM_S390:
      return "s390";
    default:
      return "machine type " + std::to_string(machine);
  }
}

// What storage does not let be read is not missing.
bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 || is_unread(errno);
}

// The first bytes of the file; empty if it cannot be read. Never blocks.
std::string head_of(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  char bytes[4096];
  const ssize_t got = fd.valid() ? ::pread(fd.get(), bytes, sizeof bytes, 0) : -1;
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

// The file behind "#!", as the kernel reads it; nullopt if it is not a script.
std::optional<std::string> script_interpreter(const std::string& head) {
  if (!head.starts_with("#!")) return std::nullopt;
  std::string_view line = std::string_view(head).substr(2);
  line = line.substr(0, line.find('\n'));
  const auto start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos) return "";
  line.remove_prefix(start);
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

std::optional<std::string> elf_loader(const std::string& head) {
  Elf64_Ehdr header;
  if (head.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, head.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    return std::nullopt;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    const std::uint64_t at = header.e_phoff + i * sizeof segment;
    if (at > head.size() || head.size() - at < sizeof segment) return std::nullopt;
    std::memcpy(&segment, head.data() + at, sizeof segment);
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_offset >= head.size()) return std::nullopt;
    return std::string(head.c_str() + segment.p_offset);
  }
  return std::nullopt;
}

std::string why_missing(const std::string& path, const std::string& shown) {
  const std::string head = head_of(path);
  if (const auto interpreter = script_interpreter(head)) {
    if (interpreter->ends_with('\r'))
      return shown + " has Windows line ends: its first line asks for `" +
             base::printable(*interpreter) + "`; convert it to Unix line ends";
    return "the interpreter " + base::printable(*interpreter) + " of the script " + shown +
           " does not exist";
  }
  if (const auto loader = elf_loader(head))
    return shown + " needs the loader " + base::printable(*loader) +
           ", which this image does not have: the program was built for another C library" +
           (loader->find("musl") != std::string::npos ? " (musl)" : " than the image's");
  return shown + " exists, but something it needs to start does not";
}

std::string why_not_a_program(const std::string& path, const std::string& shown) {
  const std::string head = head_of(path);
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && status.st_size == 0) return shown + " is empty";
  if (head.size() >= 20 && head.starts_with(std::string_view(ELFMAG, SELFMAG))) {
    std::uint16_t machine = 0;
    std::memcpy(&machine, head.data() + 18, sizeof machine);
    if (machine != kOwnMachine)
      return shown + " is a program for " + machine_name(machine) + ", this machine is " +
             machine_name(kOwnMachine) + ": pull or build the image for this platform";
    return shown + " is a damaged or unsupported ELF program";
  }
  if (head.starts_with("#!"))
    return "the first line of the script " + shown + " names no interpreter";
  return shown + " is neither a program nor a script: it has no #! line";
}

std::string why_not_permitted(const std::string& path, const std::string& shown) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int code = errno;
    const auto fs = base::RootFs::open("/");
    if (code != EACCES || !fs || !path.starts_with('/'))
      return shown + " cannot be reached: " + std::strerror(code);
    return shown + " " + base::why_closed(*fs, path);
  }
  if (!S_ISREG(status.st_mode)) return shown + " is not a regular file";
  if ((status.st_mode & 0111U) == 0)
    return shown + " is not executable: chmod +x it, or name its interpreter in the command";
  struct statvfs mount {};
  if (::statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOEXEC) != 0)
    return shown + " lies on a file system that is mounted noexec";
  const std::string head = head_of(path);
  if (const auto interpreter = script_interpreter(head); interpreter && exists(*interpreter))
    return shown + " or its interpreter " + base::printable(*interpreter) +
           " may not be executed by uid " + std::to_string(::geteuid());
  return shown + " may not be executed by uid " + std::to_string(::geteuid());
}

}  // namespace

ExecFailure expected_exec_failure(const std::string& path) {
  const std::string head = head_of(path);
  // Executable and not readable: only the kernel knows.
  if (head.empty() && ::access(path.c_str(), R_OK) != 0) return {kExitGood, ""};
  const auto interpreter = script_interpreter(head);
  const bool is_elf = head.starts_with(std::string_view(ELFMAG, SELFMAG));
  if (!is_elf && (!interpreter || interpreter->empty()))
    return describe_exec_failure(path, ENOEXEC);
  const auto needed = is_elf ? elf_loader(head) : interpreter;
  if (needed && !exists(*needed)) return describe_exec_failure(path, ENOENT);
  return {kExitGood, ""};
}

ExecFailure describe_exec_failure(const std::string& path, int error) {
  const std::string shown = base::printable(path);
  const auto refused = [](std::string message) {
    return ExecFailure{kExitNotExecutable, std::move(message)};
  };
  switch (error) {
    case ENOENT:
      if (exists(path)) return refused(why_missing(path, shown));
      return {kExitNotFound, shown + " does not exist"};
    case ENOTDIR:
      return {kExitNotFound, shown + ": a part of the path is not a directory"};
    case EISDIR:
      return refused(shown + " is a directory");
    case EACCES:
    case EPERM: {
      struct stat status {};
      if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        return refused(shown + " is a directory");
      return refused(why_not_permitted(path, shown));
    }
    case ENOEXEC:
      return refused(why_not_a_program(path, shown));
    case E2BIG:
      return refused(shown + ": arguments and environment are larger than the kernel allows");
    case ETXTBSY:
      return refused(shown + " is open for writing by another process");
    case ELIBBAD:
      return refused("the loader of " + shown + " is damaged or built for another machine");
    default:
      if (is_unread(error)) return {kExitNotReady, shown + ": " + std::strerror(error)};
      return refused(shown + ": " + std::strerror(error));
  }
}

}  // namespace gpuinit::launch
