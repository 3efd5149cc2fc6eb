#include "image/start/passwd.h"

#include "base/text.h"

namespace gpuinit::image {

Result<User> find_user(const base::RootFs& fs, std::string_view spec) {
  const std::string_view wanted = spec.substr(0, spec.find(':'));
  const auto number = base::parse_number(wanted);
  const auto text = fs.read_file("/etc/passwd");
  if (!text && is_unread(text.error().code)) return text.error();
  for (const std::string_view line : base::split_lines(text ? *text : std::string_view())) {
    const auto fields = base::split(line, ':');
    if (fields.size() < 7) continue;
    const auto uid = base::parse_number(fields[2]);
    if (!uid || (fields[0] != wanted && uid != number)) continue;
    return User{static_cast<unsigned>(*uid), std::string(fields[0]), std::string(fields[5]),
                std::string(fields[6])};
  }
  if (number) return User{static_cast<unsigned>(*number), "", "", ""};
  return Error{"there is no user " + base::printable(wanted)};
}

}  // namespace gpuinit::image
