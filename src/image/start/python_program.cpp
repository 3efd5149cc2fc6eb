#include "image/start/python_program.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "image/start/words.h"

namespace gpuinit::image {

namespace {

constexpr std::uint64_t kMaxConsoleScript = 4096;  // pip's and uv's have some 300 bytes
constexpr std::uint64_t kMaxScript = 256ULL * 1024;

enum class Names {
  kScript,       // the first word that ends in .py, or the word behind -m
  kApplication,  // "package.module:app", from the working directory
};

// Launchers by their console script's name, with the modules that do the same.
// Sources: torch/distributed/run.py, the documentation of accelerate, DeepSpeed, Streamlit,
// Uvicorn, Gunicorn, Hypercorn, Ray Serve.
struct Launcher {
  std::string_view words;
  Names names;
};
constexpr Launcher kLaunchers[] = {
    {"torchrun torch.distributed.run torch.distributed.launch torch.distributed.elastic "
     "accelerate accelerate-launch accelerate.commands.launch accelerate.commands.accelerate_cli "
     "deepspeed deepspeed.launcher.runner streamlit colossalai composer nsml",
     Names::kScript},
    {"uvicorn gunicorn hypercorn fastapi", Names::kApplication},
};

const Launcher* find_launcher(std::string_view name) {
  for (const Launcher& launcher : kLaunchers)
    if (has_word(launcher.words, name)) return &launcher;
  return nullptr;
}

std::string top_level(std::string_view module) {
  return std::string(module.substr(0, module.find_first_of(". \t,;")));
}

bool is_identifier(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// The packages of the import statements at the start of lines or behind ';'.
std::vector<std::string> imports_of(std::string_view text) {
  std::vector<std::string> imports;
  for (const std::string_view line : base::split_lines(text)) {
    for (std::string_view statement : base::split(line, ';')) {
      if (statement.starts_with(" ") && statement.data() == line.data()) continue;  // indented
      statement = base::trim(statement);
      const bool is_from = statement.starts_with("from ");
      if (!is_from && !statement.starts_with("import ")) continue;
      statement.remove_prefix(is_from ? 5 : 7);
      for (const std::string_view part : base::split(statement, ',')) {
        std::string name = top_level(base::trim(part));
        if (is_identifier(name) && std::find(imports.begin(), imports.end(), name) == imports.end())
          imports.push_back(std::move(name));
        if (is_from) break;
      }
    }
  }
  return imports;
}

// Of a script that a package installer wrote: it imports its package, and nothing else matters.
std::vector<std::string> imports_of_console_script(const std::string& text) {
  if (text.size() > kMaxConsoleScript || !text.starts_with("#!") ||
      text.find("sys.exit(") == std::string::npos)
    return {};
  std::vector<std::string> imports = imports_of(text);
  std::erase_if(imports, [](const std::string& name) {
    return name == "re" || name == "sys" || name == "importlib";
  });
  return imports;
}

bool is_option(const std::string& word) { return word.starts_with("-"); }

void follow_launcher(const Launcher& launcher, const std::vector<std::string>& words,
                     PythonProgram& program) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    const bool has_next = at + 1 < words.size() && !is_option(words[at + 1]);
    PythonOptions::Runs runs = PythonOptions::Runs::kScript;
    std::string name = word;
    if (launcher.names == Names::kApplication) {
      const auto colon = word.find(':');
      if (is_option(word) || colon == std::string::npos ||
          !is_identifier(top_level(word.substr(0, colon))))
        continue;
      runs = PythonOptions::Runs::kModule;
      name = word.substr(0, colon);
    } else if ((word == "--no-python" || word == "--no_python") && has_next) {
      program.command = words_from(words, at + 1);
      return;
    } else if ((word == "-m" || word == "--module") && has_next) {
      runs = PythonOptions::Runs::kModule;
      name = words[at + 1];
    } else if (is_option(word) || !word.ends_with(".py")) {
      continue;
    }
    program.options.runs = runs;
    program.options.program = name;
    program.runs = runs == PythonOptions::Runs::kModule ? "-m " + name : name;
    if (runs == PythonOptions::Runs::kModule) program.imports = {top_level(name)};
    return;
  }
}

}  // namespace

PythonProgram read_python_program(const base::RootFs& fs, const Exec& exec) {
  PythonProgram program;
  const auto arguments = words_from(exec.argv, 1);
  program.options = parse_python_options(arguments);
  const PythonOptions::Runs runs = program.options.runs;
  const std::string name = program.options.program;
  const auto script = [&](const std::string& path) {
    const auto file = fs.open_file(base::join(exec.working_directory, path));
    return file ? file->read_text(0, std::min(file->size(), kMaxScript)).value_or("") : "";
  };
  std::string launcher_name, text;  // of the script that the command names
  if (runs == PythonOptions::Runs::kModule) {
    program.runs = "-m " + name;
    program.imports = {top_level(name)};
    launcher_name = name;
  } else if (runs == PythonOptions::Runs::kScript) {
    program.runs = name;
    text = script(name);
    program.imports = imports_of_console_script(text);
    launcher_name = base::basename(name);
  } else if (runs == PythonOptions::Runs::kCommand) {
    program.runs = "-c";
  }
  if (const Launcher* launcher = find_launcher(launcher_name))
    follow_launcher(*launcher, words_from(arguments, program.options.rest), program);
  if (program.options.runs != PythonOptions::Runs::kScript) return program;
  // A launcher's script is another file.
  const bool is_named = runs == PythonOptions::Runs::kScript && program.options.program == name;
  if (!is_named) text = script(program.options.program);
  if (!is_named || program.imports.empty()) program.script_imports = imports_of(text);
  return program;
}

}  // namespace gpuinit::image
