#include "command_line.h"

#include <optional>
#include <string_view>

#include "base/text.h"

namespace gpuinit {

namespace {

enum class Argument { kNone, kRequired, kOptional };

struct Option {
  std::string_view name;
  Argument argument;
  Status (*apply)(CommandLine&, std::string);
};

template <Verb verb>
Status set_verb(CommandLine& line, std::string) {
  if (line.verb != Verb::kLaunch && line.verb != verb)
    return Error{"only one of --check, --facts, --explain, --print-policy, --record can be asked for"};
  line.verb = verb;
  return Done{};
}

template <std::string CommandLine::*field>
Status set_text(CommandLine& line, std::string value) {
  if (value.empty()) return Error{"the value is empty"};
  line.*field = std::move(value);
  return Done{};
}

template <bool CommandLine::*field>
Status set_flag(CommandLine& line, std::string) {
  line.*field = true;
  return Done{};
}

Status set_explain(CommandLine& line, std::string id) {
  line.explain_id = std::move(id);
  return set_verb<Verb::kExplain>(line, {});
}

Status set_record(CommandLine& line, std::string file) {
  if (auto done = set_text<&CommandLine::recording>(line, std::move(file)); !done) return done;
  return set_verb<Verb::kRecord>(line, {});
}

Status add_setting(CommandLine& line, std::string setting) {
  if (setting.find('=') == std::string::npos)
    return Error{"expected KEY=VALUE, got `" + base::printable(setting) + "`"};
  line.set.push_back(std::move(setting));
  return Done{};
}

Status set_format(CommandLine& line, std::string format) {
  if (format != "text" && format != "json")
    return Error{"expected text or json, got `" + base::printable(format) + "`"};
  line.format = format == "json" ? Format::kJson : Format::kText;
  return Done{};
}

constexpr Option kOptions[] = {
    {"--check", Argument::kNone, set_verb<Verb::kCheck>},
    {"--facts", Argument::kNone, set_verb<Verb::kFacts>},
    {"--explain", Argument::kOptional, set_explain},
    {"--print-policy", Argument::kNone, set_verb<Verb::kPrintPolicy>},
    {"--record", Argument::kRequired, set_record},
    {"--version", Argument::kNone, set_verb<Verb::kVersion>},
    {"--help", Argument::kNone, set_verb<Verb::kHelp>},
    {"-h", Argument::kNone, set_verb<Verb::kHelp>},
    {"--policy", Argument::kRequired, set_text<&CommandLine::policy_file>},
    {"--set", Argument::kRequired, add_setting},
    {"--root", Argument::kRequired, set_text<&CommandLine::root>},
    {"--node", Argument::kRequired, set_text<&CommandLine::node_file>},
    {"--format", Argument::kRequired, set_format},
    {"--supervise", Argument::kNone, set_flag<&CommandLine::supervise>},
    {"--quiet", Argument::kNone, set_flag<&CommandLine::quiet>},
    {"--verbose", Argument::kNone, set_flag<&CommandLine::verbose>},
};

Result<const Option*> find_option(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& option : kOptions) {
    if (option.name == name) return &option;
    names.emplace_back(option.name);
  }
  const std::string near = base::nearest(name, names);
  return Error{"unknown option " + base::printable(name) +
               (near.empty() ? std::string() : "; did you mean " + near + "?")};
}

// What belongs together, once everything is read.
Status validate(const CommandLine& line, bool has_command) {
  switch (line.verb) {
    case Verb::kLaunch:
    case Verb::kRecord:
      if (!has_command) return Error{"no COMMAND given"};
      if (line.root != "/")
        return Error{"--root goes with --check or --facts: a command runs in /"};
      if (!line.node_file.empty())
        return Error{"--node goes with --check or --facts: a command runs on this machine"};
      break;
    case Verb::kExplain:
    case Verb::kPrintPolicy:
      if (has_command) return Error{"--explain and --print-policy take no COMMAND"};
      break;
    default:
      break;
  }
  if (line.supervise && line.verb != Verb::kLaunch)
    return Error{"--supervise goes with a COMMAND that is launched"};
  if (line.quiet && line.verbose) return Error{"--quiet and --verbose exclude each other"};
  return Done{};
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  int next = 1;
  while (next < argc) {
    const std::string_view word = argv[next];
    if (word == "--") {
      ++next;
      break;
    }
    if (!word.starts_with('-') || word == "-") break;
    ++next;
    const auto equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view name = word.substr(0, equals);
    auto option = find_option(name);
    if (!option) return std::move(option).error();
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = word.substr(equals + 1);
    const Argument argument = (*option)->argument;
    if (argument == Argument::kNone && value) return Error{std::string(name) + " takes no value"};
    if (argument == Argument::kRequired && !value) {
      if (next >= argc) return Error{std::string(name) + " needs a value"};
      value = argv[next++];
    }
    if (argument == Argument::kOptional && !value && next < argc && argv[next][0] != '-')
      value = argv[next++];
    auto applied = (*option)->apply(line, value.value_or(""));
    if (!applied) return std::move(applied).error().context(std::string(name));
  }
  line.command_index = next;
  auto valid = validate(line, next < argc);
  if (!valid) return std::move(valid).error();
  return line;
}

const char kHelp[] =
    R"(Usage: gpuinit [OPTIONS] [--] COMMAND [ARG...]    check, then exec COMMAND
       gpuinit --check [OPTIONS] [-- COMMAND...]  check only, by exit code
       gpuinit --facts [OPTIONS] [-- COMMAND...]  everything found, as JSON
       gpuinit --explain [ID | exit-codes]        what a check means, the cure
       gpuinit --print-policy [OPTIONS]           the policy in force
       gpuinit --record FILE [--] COMMAND...      what a cold start reads

PID 1 of a GPU container: tells at start whether Python, torch, CUDA driver and
devices can work together, then becomes COMMAND; or says why not, and stops.

  --supervise         stay as PID 1: forward signals, reap, drain (like tini)
  --policy FILE       instead of /etc/gpuinit/policy.toml and policy.d/*.toml
  --set KEY=VALUE     one policy value, repeatable: --set gpu.required=no
  --root DIR          judge the image under DIR instead of /
  --node FILE         the node's facts from FILE (an earlier --facts)
  --format text|json  of the report
  --quiet             print only what fails
  --verbose           print also what was skipped or unknown, and each step
  --version, --help

Environment: GPUINIT=off (launch at once), GPUINIT_POLICY=FILE,
GPUINIT_SET='KEY=VALUE;...', NO_COLOR.
Exit codes: 0 good, 65 image, 66 fit, 69 node, 75 retry, 77 permission,
78 policy, 64 usage, 126/127 COMMAND (gpuinit --explain exit-codes).
)";

}  // namespace gpuinit
