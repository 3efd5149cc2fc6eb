// Turns the errno of a failed execve into the sentence that names its cause: the kernel says
// ENOENT for a script whose interpreter is missing, which reads as if the script were.
#include <elf.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/closed_directory.h"
#include "base/script_text.h"
#include "base/text.h"
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

// The kernel reads so much of a script, and follows so many scripts that interpret each other.
// Source: Linux, fs/binfmt_script.c (BINPRM_BUF_SIZE), fs/exec.c.
constexpr std::size_t kScriptHead = 256;
constexpr int kMaxScripts = 5;

// The file behind "#!", as the kernel reads it, "" if none is named; nullopt if it is not a script.
std::optional<std::string> script_interpreter(const std::string& head) {
  if (!head.starts_with("#!")) return std::nullopt;
  const std::string_view seen = std::string_view(head).substr(0, kScriptHead);
  std::string_view line = seen.substr(2, seen.find('\n') - 2);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const auto end = line.find_first_of(std::string_view(" \t\0", 3));
  const bool is_cut =
      end == line.npos && seen.size() == kScriptHead && seen.find('\n') == seen.npos;
  return is_cut ? "" : std::string(line.substr(0, end));
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

// Then what is wrong is wrong with it, not with the script.
std::optional<std::string> interpreter_that_exists(const CommandFiles& files,
                                                   const std::string& head) {
  auto interpreter = script_interpreter(head);
  return interpreter && !interpreter->empty() && files.exists(*interpreter) ? interpreter
                                                                            : std::nullopt;
}

std::string why_missing(const CommandFiles& files, const std::string& path, int depth = 0) {
  const std::string shown = base::printable(path);
  const std::string head = files.head(path).value_or("");
  if (const auto next = interpreter_that_exists(files, head); next && depth < kMaxScripts)
    return why_missing(files, *next, depth + 1);
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

std::string why_not_a_program(const CommandFiles& files, const std::string& path, int depth = 0) {
  const std::string shown = base::printable(path);
  const std::string head = files.head(path).value_or("");
  if (const auto next = interpreter_that_exists(files, head); next && depth < kMaxScripts)
    return why_not_a_program(files, *next, depth + 1);
  if (const auto info = files.look_at(path); info && info->size == 0) return shown + " is empty";
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
  return shown + " is neither a program nor a script";
}

std::string why_not_permitted(const CommandFiles& files, const std::string& path) {
  const std::string shown = base::printable(path);
  const auto info = files.look_at(path);
  if (!info) return shown + " " + files.why_closed(path);
  if (info->kind != base::FileInfo::Kind::kFile) return shown + " is not a regular file";
  if ((info->mode & 0111U) == 0)
    return shown + " is not executable: chmod +x it, or name its interpreter in the command";
  struct statvfs mount {};
  if (files.are_own() && ::statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOEXEC) != 0)
    return shown + " lies on a file system that is mounted noexec";
  if (const auto interpreter = interpreter_that_exists(files, files.head(path).value_or("")))
    return shown + " or its interpreter " + base::printable(*interpreter) +
           " may not be executed by uid " + std::to_string(::geteuid());
  return shown + " may not be executed by uid " + std::to_string(::geteuid());
}

// What execve would make of an ELF file. Other machines' programs run where an emulator is
// registered, but not without their loader.
int elf_error(const CommandFiles& files, const std::string& head) {
  Elf64_Ehdr header{};
  std::memcpy(&header, head.data(), std::min(head.size(), sizeof header));
  const bool is_foreign = header.e_machine != 0 && header.e_machine != kOwnMachine;
  if (!is_foreign && header.e_type != ET_EXEC && header.e_type != ET_DYN) return ENOEXEC;
  const auto loader = elf_loader(head);
  if (!loader || files.exists(*loader)) return 0;
  return is_foreign ? ENOEXEC : ENOENT;
}

// The errno of execve; 0 if it would succeed, or only the kernel knows.
int exec_error(const CommandFiles& files, const std::string& path, int depth = 0) {
  if (const int error = files.executable_error(path); error != 0) return error;
  if (depth > kMaxScripts) return ELOOP;
  const auto head = files.head(path);
  if (!head) return 0;  // executable and not readable
  if (head->starts_with(std::string_view(ELFMAG, SELFMAG))) return elf_error(files, *head);
  const auto interpreter = script_interpreter(*head);
  if (!interpreter || interpreter->empty()) return ENOEXEC;
  // The kernel says EACCES of a directory.
  const int error = exec_error(files, *interpreter, depth + 1);
  return error == EISDIR ? EACCES : error;
}

}  // namespace

ExecFailure expected_exec_failure(const std::string& path, const CommandFiles& files) {
  const int error = exec_error(files, path);
  if (error == ENOEXEC && base::is_script_for_shell(files.head(path).value_or(""))) {
    const int of_shell = exec_error(files, base::kShell);
    return of_shell != 0 ? describe_exec_failure(base::kShell, of_shell, files)
                         : ExecFailure{kExitGood, ""};
  }
  return error != 0 ? describe_exec_failure(path, error, files) : ExecFailure{kExitGood, ""};
}

ExecFailure describe_exec_failure(const std::string& path, int error, const CommandFiles& files) {
  const std::string shown = base::printable(path);
  const auto refused = [](std::string message) {
    return ExecFailure{kExitNotExecutable, std::move(message)};
  };
  switch (error) {
    case ENOENT:
      if (files.exists(path)) return refused(why_missing(files, path));
      return {kExitNotFound, shown + " does not exist"};
    case ENOTDIR:
      return {kExitNotFound, shown + ": a part of the path is not a directory"};
    case EISDIR:
      return refused(shown + " is a directory");
    case EACCES:
    case EPERM:
      if (const auto info = files.look_at(path);
          info && info->kind == base::FileInfo::Kind::kDirectory)
        return refused(shown + " is a directory");
      return refused(why_not_permitted(files, path));
    case ENOEXEC:
      if (base::is_script_for_shell(files.head(path).value_or("")))
        return {kExitNotExecutable, shown + " has no #! line, so " + base::kShell + " runs it",
                true};
      return refused(why_not_a_program(files, path));
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
