#include "scenarios/judged.h"

#include <stdexcept>

#include "base/text.h"
#include "program/gpuinit_program.h"
#include "scenarios/data.h"
#include "scenarios/image_tree.h"
#include "support/running_program.h"
#include "support/schema_files.h"

namespace gpuinit::test {

namespace {

using base::Json;

base::Json parsed(const Ran& ran) {
  auto json = base::parse_json(ran.out);
  if (!json) throw std::runtime_error("no JSON: " + ran.out + ran.err);
  return std::move(json).value();
}

class Trial {
 public:
  explicit Trial(const World& world) : world_(world) {
    write_image(world.image, image_);
    std::string policy = "version = 1\n";
    for (const auto& line : world.policy) policy += line + "\n";
    files_.file("policy.toml", policy);
    files_.file("node.json", base::print_json(base::JsonObject{{"node", node()}}));
  }

  Ran check(const std::string& format) const {
    return gpuinit(words(format), clean(environment()));
  }

  std::string check_on_terminal(unsigned short columns) const {
    std::vector<std::string> all = words("text");
    all.insert(all.begin(), GPUINIT_BINARY);
    RunOptions options = clean(environment());
    options.environment["NO_COLOR"] = "1";
    options.in_child = [columns] {
      const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
      ::ioctl(STDERR_FILENO, TIOCSWINSZ, &size);
    };
    RunningProgram running(all, options, Place::kChild, /*terminal=*/true);
    running.finish();
    std::string text = running.said();
    std::erase(text, '\r');
    return text;
  }

 private:
  std::vector<std::string> words(const std::string& format) const {
    std::vector<std::string> arguments{"--check", "--format", format};
    for (const auto& word :
         {std::string("--policy"), files_.at("policy.toml").string(), std::string("--root"),
          image_.root(), std::string("--node"), files_.at("node.json").string(), std::string("--")})
      arguments.push_back(word);
    arguments.insert(arguments.end(), world_.command.begin(), world_.command.end());
    return arguments;
  }

  std::map<std::string, std::string> environment() const {
    return {world_.environment.begin(), world_.environment.end()};
  }

  Json node() {
    Json node = world_.node;
    base::JsonArray device_nodes;
    for (const auto& [path, open_errno] : table_at(node, "device_nodes"))
      device_nodes.push_back(base::JsonObject{{"path", path}, {"open_errno", open_errno}});
    put(node, "device_nodes", device_nodes);
    base::JsonObject variables;
    for (const auto& [name, value] : world_.environment) variables.emplace_back(name, value);
    put(node, "environment", variables);
    if (!world_.driver.empty()) ask_the_driver(node);
    return node;
  }

  // The probe's part of the node comes from the real probe, on a driver that plays a part.
  void ask_the_driver(Json& node) {
    files_.file("driver", world_.driver);
    auto options = clean({{"LD_LIBRARY_PATH", FAKE_LIBCUDA_DIRECTORY},
                          {"CUDA_FAKE_CONFIG", files_.at("driver").string()}});
    const Json facts = parsed(gpuinit(
        {"--facts", "--policy", files_.at("policy.toml"), "--root", image_.root()}, options));
    const Json& answer = at(facts, "node");
    put(node, "probe", at(answer, "probe"));
    put(node, "devices", at(answer, "devices"));
    Json driver = at(node, "driver");
    put(driver, "cuda_version", at(at(answer, "driver"), "cuda_version"));
    put(node, "driver", driver);
  }

  const World& world_;
  Tree image_;
  Tree files_;
};

}  // namespace

Judged judged(const World& world) {
  const Trial trial(world);
  const Ran in_json = trial.check("json");
  const Ran in_text = trial.check("text");
  if (in_json.exit_code != in_text.exit_code) throw std::runtime_error("two exit codes");
  Judged result;
  result.exit_code = in_text.exit_code;
  result.text_lines = in_text.err;
  for (const auto word : base::split_words(in_text.err)) {
    if (!result.text.empty()) result.text += ' ';
    result.text += word;
  }
  const Json report = parsed(in_json);
  if (const std::string problem = schema_files().problem(report, "report.schema.json");
      !problem.empty())
    throw std::runtime_error("docs/report.schema.json: " + problem);
  for (const auto& finding : *at(report, "findings").as_array()) {
    const std::string severity = text_at(finding, "severity");
    if (severity == "fail" || severity == "warn")
      result.told.push_back({text_at(finding, "id"), severity, text_at(finding, "summary"),
                             text_at(finding, "why"), text_at(finding, "fix")});
    if (severity == "fail") result.fail.push_back(text_at(finding, "id"));
    if (severity == "warn") result.warn.push_back(text_at(finding, "id"));
  }
  return result;
}

std::string text_on_terminal(const World& world, unsigned short columns) {
  return Trial(world).check_on_terminal(columns);
}

}  // namespace gpuinit::test
