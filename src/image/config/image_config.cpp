#include "image/config/image_config.h"

#include <unistd.h>

#include <cerrno>

#include "base/json_reader.h"
#include "base/text.h"
#include "image/start/passwd.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxFile = 4ULL * 1024 * 1024;

using base::JsonReader;

void add_variables(const std::vector<std::string>& variables, base::Environment& environment) {
  for (const std::string& variable : variables)
    if (const auto equals = variable.find('='); equals != std::string::npos && equals != 0)
      environment[variable.substr(0, equals)] = variable.substr(equals + 1);
}

// A list of strings that may be null or absent.
std::vector<std::string> words(const JsonReader& object, std::string_view key) {
  const auto list = object.member(key);
  return list && !list->json().is_null() ? list->strings() : std::vector<std::string>();
}

std::string text(const JsonReader& object, std::string_view key) {
  const auto member = object.member(key);
  if (!member || member->json().is_null()) return "";
  const std::string* value = member->string();
  return value != nullptr ? *value : "";
}

// The part that docker calls Config and OCI config.
ImageConfig read_config(const JsonReader& object) {
  ImageConfig config;
  if (object.object() == nullptr) return config;  // which has said so
  add_variables(words(object, "Env"), config.environment);
  config.entrypoint = words(object, "Entrypoint");
  config.command = words(object, "Cmd");
  if (auto directory = text(object, "WorkingDir"); !directory.empty())
    config.working_directory = base::join("/", directory);
  config.user = text(object, "User");
  return config;
}

// The part that an OCI runtime calls process.
ImageConfig read_process(const JsonReader& object) {
  ImageConfig config;
  add_variables(words(object, "env"), config.environment);
  config.command = words(object, "args");
  if (auto directory = text(object, "cwd"); !directory.empty())
    config.working_directory = directory;
  if (const auto user = object.member("user"))
    if (const auto uid = user->member("uid"))
      if (const auto number = uid->count()) config.user = std::to_string(*number);
  return config;
}

ImageConfig read_document(const JsonReader& document) {
  if (document.json().as_array() != nullptr) {
    ImageConfig config;
    std::size_t seen = 0;
    document.each([&](const JsonReader& element) {
      if (++seen == 1) config = read_document(element);
    });
    if (seen != 1) document.fail("expected one image, got " + std::to_string(seen));
    return config;
  }
  if (const auto process = document.member("process")) return read_process(*process);
  for (const char* key : {"config", "Config"})
    if (const auto config = document.member(key)) return read_config(*config);
  if (const auto image = document.member("OCIv1")) return read_document(*image);
  document.fail(
      "no `config` and no `process`: expected what `docker inspect IMAGE` or `skopeo inspect "
      "--config` prints, or a runtime bundle's config.json");
  return {};
}

std::string unquoted(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
      value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  return std::string(value);
}

// KEY=VALUE lines. Source: enroot, doc/image-format.md.
base::Environment parse_environment(std::string_view file) {
  base::Environment environment;
  for (const std::string_view line : base::split_lines(file)) {
    const auto equals = line.find('=');
    if (line.starts_with("#") || equals == std::string_view::npos || equals == 0) continue;
    environment[std::string(line.substr(0, equals))] = unquoted(line.substr(equals + 1));
  }
  return environment;
}

Result<std::string> read_standard_input() {
  std::string text;
  char bytes[16384];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("standard input");
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > kMaxFile) return Error{"standard input: larger than 4 MiB"};
  }
}

Result<ImageConfig> of_enroot(const std::string& directory) {
  ImageConfig config;
  config.environment =
      parse_environment(base::read_own_file(base::join(directory, "environment")).value_or(""));
  auto rc = base::read_own_file(base::join(directory, "rc"));
  if (rc) config.entrypoint = {"/bin/sh", "/etc/rc"};
  return config;
}

// As its `run` does: the files in env/, in order, then the run script.
ImageConfig of_apptainer() {
  ImageConfig config;
  config.entrypoint = {"/bin/sh", "-c",
                       "for file in /.singularity.d/env/*.sh; do . \"$file\"; done; "
                       "exec /.singularity.d/runscript \"$@\"",
                       "apptainer"};
  return config;
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view text) {
  auto json = base::parse_json(text);
  if (!json) return std::move(json).error();
  std::optional<Error> problem;
  ImageConfig config = read_document(JsonReader(*json, "image", problem));
  if (problem) return *std::move(problem);
  return config;
}

Result<ImageConfig> read_image_config(const std::string& file) {
  if (file == "-") {
    auto text = read_standard_input();
    if (!text) return std::move(text).error();
    return parse_image_config(*text);
  }
  char directory[4096];
  const std::string path = base::normalize(
      base::join(::getcwd(directory, sizeof directory) != nullptr ? directory : "/", file));
  if (base::basename(path) == ".singularity.d") return of_apptainer();
  if (path.ends_with("/etc/rc") || path.ends_with("/etc/environment"))
    return of_enroot(std::string(base::parent(path)));
  auto text = base::read_own_file(path, kMaxFile);
  if (!text) return std::move(text).error();
  auto config = parse_image_config(*text);
  if (!config) return std::move(config).error().context(file);
  return config;
}

std::optional<unsigned> user_of(const base::RootFs& root, const ImageConfig& config) {
  if (config.user.empty()) return 0;
  const auto user = find_user(root, config.user);
  if (!user) return std::nullopt;
  return user->uid;
}

}  // namespace gpuinit::image
