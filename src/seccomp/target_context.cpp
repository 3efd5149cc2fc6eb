#include "seccomp/target_context.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace gpuinit::seccomp {

namespace {

// In the order of their numbers.
constexpr std::string_view kCapabilities =
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
    "LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER "
    "SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF "
    "CHECKPOINT_RESTORE";
constexpr std::string_view kPrefix = "CAP_";

struct OwnCapabilities {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
};

OwnCapabilities own_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, halves) != 0) return {};
  const auto whole = [](std::uint32_t low, std::uint32_t high) {
    return (std::uint64_t{high} << 32) | low;
  };
  return {whole(halves[0].effective, halves[1].effective),
          whole(halves[0].permitted, halves[1].permitted)};
}

std::uint64_t bounding_set() {
  std::uint64_t set = 0;
  for (unsigned number = 0; number < 64; ++number)
    if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) set |= std::uint64_t{1} << number;
  return set;
}

}  // namespace

TargetContext read_target_context() {
  TargetContext here;
  const OwnCapabilities own = own_capabilities();
  here.needs_no_new_privs = ((own.effective >> CAP_SYS_ADMIN) & 1U) == 0;
  here.capabilities = here.needs_no_new_privs ? own.permitted : bounding_set();
  utsname name{};
  if (::uname(&name) == 0) here.kernel = kernel_version(name.release).value_or(std::pair(0, 0));
  return here;
}

std::optional<int> capability_number(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto names = base::split_words(kCapabilities);
  const auto found = std::ranges::find(names, name);
  return found != names.end() ? std::optional(static_cast<int>(found - names.begin()))
                              : std::nullopt;
}

std::optional<std::pair<int, int>> kernel_version(std::string_view release) {
  const auto number_at_start = [](std::string_view text) -> std::optional<int> {
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    if (digits.size() > 6) return std::nullopt;
    const auto number = base::parse_number(digits);
    return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
  };
  const auto dot = release.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto version = base::parse_number(release.substr(0, dot));
  const auto patch_level = number_at_start(release.substr(dot + 1));
  if (!version || *version > 999 || !patch_level) return std::nullopt;
  return std::pair(static_cast<int>(*version), *patch_level);
}

}  // namespace gpuinit::seccomp
