#include "cli/options.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "cli/peer_options.h"

namespace gpuinit::cli {

namespace {

struct Option {
  std::string_view name;
  Argument argument;
  Status (*apply)(CommandLine&, const std::string&);
  std::string_view help;    // its line of --help
  std::string_view reason;  // why not every verb takes it; empty: every verb does
};

template <std::string CommandLine::*field>
Status set_text(CommandLine& line, const std::string& value) {
  if (value.empty()) return Error{"the value is empty"};
  line.*field = value;
  return Done{};
}

template <std::vector<std::string> CommandLine::*field>
Status add_text(CommandLine& line, const std::string& value) {
  if (value.empty()) return Error{"the value is empty"};
  (line.*field).push_back(value);
  return Done{};
}

template <bool CommandLine::*field>
Status set_flag(CommandLine& line, const std::string&) {
  line.*field = true;
  return Done{};
}

Status add_setting(CommandLine& line, const std::string& setting) {
  if (setting.find('=') == std::string::npos)
    return Error{"expected KEY=VALUE, got `" + base::printable(setting) + "`"};
  line.set.push_back(setting);
  return Done{};
}

Status set_format(CommandLine& line, const std::string& format) {
  if (format != "text" && format != "json")
    return Error{"expected text or json, got `" + base::printable(format) + "`"};
  line.format = format == "json" ? Format::kJson : Format::kText;
  return Done{};
}

constexpr Option kOptions[] = {
    {"--supervise", Argument::kNone, set_flag<&CommandLine::supervise>,
     "  --supervise         stay as PID 1: forward signals, reap, drain (like tini)\n",
     "a COMMAND that is launched"},
    {"--policy", Argument::kRequired, add_text<&CommandLine::policy_files>,
     "  --policy FILE       instead of those in /etc/gpuinit, repeatable; builtin:NAME\n", ""},
    {"--set", Argument::kRequired, add_setting,
     "  --set KEY=VALUE     one policy value, repeatable: --set gpu.required=no\n", ""},
    {"--root", Argument::kRequired, set_text<&CommandLine::root>,
     "  --root DIR          judge the image under DIR instead of /\n",
     "--check, --facts or --seal: a command runs in /"},
    {"--image", Argument::kRequired, set_text<&CommandLine::image_file>,
     "  --image FILE        the image's facts from FILE (a seal, an earlier --facts)\n",
     "--check or --facts: a command runs in /"},
    {"--node", Argument::kRequired, set_text<&CommandLine::node_file>,
     "  --node FILE         the node's facts from FILE (an earlier --facts)\n",
     "--check or --facts: a command runs on this machine"},
    {"--image-config", Argument::kRequired, set_text<&CommandLine::image_config>,
     "  --image-config FILE environment, command, user as `docker inspect` has them\n",
     "--check, --facts or --seal: a command that is launched has them"},
    {"--no-run", Argument::kNone, set_flag<&CommandLine::no_run>, "", "--seal"},
    {"--changed", Argument::kNone, set_flag<&CommandLine::changed>, "", "--print-policy"},
    {"--format", Argument::kRequired, set_format, "  --format text|json  of the report\n", ""},
    {"--quiet", Argument::kNone, set_flag<&CommandLine::quiet>,
     "  --quiet, --verbose  only what fails; also what was skipped, and each step\n", ""},
    {"--verbose", Argument::kNone, set_flag<&CommandLine::verbose>, "", ""},
};

// What a word of the command line names: an option or a verb.
struct Named {
  const Option* option = nullptr;
  const Verb* verb = nullptr;
};

Result<Named> find_named(std::string_view name) {
  std::vector<std::string> names;
  for (const Verb* verb : verbs()) {
    if (verb->option.empty()) continue;
    if (verb->option == name || verb->alias == name) return Named{.verb = verb};
    names.emplace_back(verb->option);
  }
  for (const Option& option : kOptions) {
    if (option.name == name) return Named{.option = &option};
    names.emplace_back(option.name);
  }
  const std::string near = base::nearest(name, names);
  return Error{"unknown option " + base::printable(name) +
               (near.empty() ? std::string() : "; did you mean " + near + "?")};
}

Status set_verb(CommandLine& line, const Verb& verb, std::string argument) {
  if (line.verb != &kLaunch && line.verb != &verb)
    return Error{std::string("only one of ") + std::string(line.verb->option) + " and " +
                 std::string(verb.option) + " can be asked for"};
  if (verb.argument == Argument::kRequired && argument.empty()) return Error{"the value is empty"};
  line.verb = &verb;
  line.verb_argument = std::move(argument);
  return Done{};
}

// The option was given, and is one that not every verb takes.
Status check_taken(const Verb& verb, const Option& option) {
  const auto takes = base::split_words(verb.takes);
  if (option.reason.empty() || std::find(takes.begin(), takes.end(), option.name) != takes.end())
    return Done{};
  return Error{std::string(option.name) + " goes with " + std::string(option.reason)};
}

Status check_command(const Verb& verb, bool given) {
  if (verb.command == Argument::kRequired && !given) return Error{"no COMMAND given"};
  if (verb.command == Argument::kNone && given)
    return Error{std::string(verb.option) + " takes no COMMAND"};
  return Done{};
}

// argv from `next` on, up to the COMMAND, which begins at `next` afterwards.
Status read_options(int argc, const char* const* argv, int& next, CommandLine& line,
                    std::vector<const Option*>& given) {
  while (next < argc) {
    const std::string_view word = argv[next];
    if (word == "--") {
      ++next;
      break;
    }
    if (!word.starts_with('-') || word == "-") break;
    ++next;
    const auto equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string name(word.substr(0, equals));
    const auto named = find_named(name);
    if (!named) {
      const std::string peers = peer_answer(argc - next + 1, argv + next - 1, line.supervise);
      return peers.empty() ? named.error() : Error{peers};
    }
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = word.substr(equals + 1);
    const Argument argument = named->verb != nullptr ? named->verb->argument  //
                                                     : named->option->argument;
    if (argument == Argument::kNone && value) return Error{name + " takes no value"};
    if (argument == Argument::kRequired && !value) {
      if (next >= argc) return Error{name + " needs a value"};
      value = argv[next++];
    }
    if (argument == Argument::kOptional && !value && next < argc && argv[next][0] != '-')
      value = argv[next++];
    auto applied = named->verb != nullptr ? set_verb(line, *named->verb, value.value_or(""))
                                          : named->option->apply(line, value.value_or(""));
    if (!applied) return std::move(applied).error().context(name);
    if (named->option != nullptr) given.push_back(named->option);
  }
  return Done{};
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  int next = 1;
  std::vector<const Option*> given;
  auto read = read_options(argc, argv, next, line, given);
  if (!read) return std::move(read).error();
  line.command_index = next;
  auto valid = check_command(*line.verb, next < argc);
  if (!valid) return std::move(valid).error();
  for (const Option* option : given) {
    auto taken = check_taken(*line.verb, *option);
    if (!taken) return std::move(taken).error();
  }
  if (!line.image_file.empty() && (line.root != "/" || !line.image_config.empty() || next < argc))
    return Error{"--image has root, configuration and COMMAND of its own"};
  if (line.quiet && line.verbose) return Error{"--quiet and --verbose exclude each other"};
  return line;
}

std::string help_text() {
  std::string text;
  for (const Verb* verb : verbs()) text += verb->help;
  text += R"(
PID 1 of a GPU container: tells at start whether Python, torch, CUDA driver and
devices can work together, then becomes COMMAND; or says why not, and stops.

)";
  for (const Option& option : kOptions) text += option.help;
  return text + R"(  --version, --help

Environment: GPUINIT=off (no checks), GPUINIT_POLICY, GPUINIT_SET, NO_COLOR.
Exit codes: 0 good, 65 image, 66 fit, 69 node, 75 retry, 77 permission,
78 policy, 64 usage, 126/127 COMMAND (gpuinit --explain exit-codes).
)";
}

}  // namespace gpuinit::cli
