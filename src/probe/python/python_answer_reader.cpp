#include "probe/python/python_answer_reader.h"

#include <optional>
#include <utility>

#include "base/text.h"

namespace gpuinit::probe {

namespace {

using base::JsonReader;
using Text = Fact<std::string>;

constexpr std::size_t kMaxText = 4096;          // a path, a version
constexpr std::size_t kMaxLong = 16ULL * 1024;  // a traceback, torch's configuration
constexpr std::size_t kMaxReason = 300;
constexpr std::size_t kMaxItems = 2000;

// Empty if it is missing or of another type.
std::string text_of(const JsonReader& in, std::string_view key, std::size_t limit = kMaxText) {
  const auto found = in.member(key);
  const std::string* said = found ? found->string() : nullptr;
  return said != nullptr ? base::printable(*said, limit) : std::string();
}

// A text of several lines, each printable.
std::string lines_of(const JsonReader& in, std::string_view key) {
  const auto found = in.member(key);
  const std::string* said = found ? found->string() : nullptr;
  std::string result;
  if (said == nullptr) return result;
  for (const auto line : base::split_lines(std::string_view(*said).substr(0, kMaxLong))) {
    if (!result.empty()) result += '\n';
    result += base::printable(line, kMaxText);
  }
  return result;
}

bool take(const JsonReader& in, std::string& to) {
  const std::string* said = in.string();
  if (said != nullptr) to = base::printable(*said, kMaxText);
  return said != nullptr;
}

bool take(const JsonReader& in, std::vector<std::string>& to) {
  for (const std::string& item : in.strings())
    if (to.size() < kMaxItems) to.push_back(base::printable(item, kMaxText));
  return in.array() != nullptr;
}

// What is missing or of another type leaves the fact as it is.
template <class T>
void read(const JsonReader& in, const std::string& key, Fact<T>& fact) {
  const auto found = in.member(key);
  T value;
  if (found && found->json().is_null()) fact = Fact<T>::absent();
  else if (found && take(*found, value)) fact = std::move(value);
  else if (in.member("no " + key)) fact = Fact<T>::unknown(text_of(in, "no " + key, kMaxReason));
}

}  // namespace

AnswerReader::Complaint PythonAnswerReader::read_line(std::string_view text) {
  auto json = base::parse_json(text);
  if (!json || json->as_object() == nullptr) return "is not a JSON object";
  std::optional<Error> ignored;  // what is wrong in an object is passed over
  object(JsonReader(*json, "", ignored));
  return {};
}

// An import may have written it.
void PythonAnswerReader::on_garbled() {
  if (!last_step_.empty()) wrong_ += " in " + last_step_;
}

void PythonAnswerReader::object(const JsonReader& in) {
  if (in.member("step")) last_step_ = text_of(in, "step", 200);
  if (const auto said = in.member("python")) python(*said);
  read(in, "torch_origin", answer_.torch_origin);
  if (in.member("no_torch_origin"))
    answer_.torch_origin = Text::unknown(text_of(in, "no_torch_origin", kMaxReason));
  if (const auto said = in.member("import")) import_result(*said);
  if (const auto said = in.member("torch")) torch(*said);
  if (in.member("end")) set_whole();
}

void PythonAnswerReader::python(const JsonReader& in) {
  read(in, "version", answer_.version);
  read(in, "soabi", answer_.soabi);
  read(in, "executable", answer_.executable);
  read(in, "prefix", answer_.prefix);
  read(in, "base_prefix", answer_.base_prefix);
  read(in, "exec_prefix", answer_.exec_prefix);
  read(in, "path", answer_.sys_path);
  read(in, "flags", answer_.flags);
}

void PythonAnswerReader::import_result(const JsonReader& in) {
  if (answer_.imports.size() >= kMaxImports) return;
  PythonImport& result = answer_.imports.emplace_back();
  result.name = text_of(in, "name", 200);
  result.error = text_of(in, "error", 200);
  result.message = text_of(in, "message");
  result.traceback = lines_of(in, "traceback");
  if (!result.error.empty()) result.version = result.file = Text::unknown("not imported");
  read(in, "version", result.version);
  read(in, "file", result.file);
  if (const auto took = in.member("milliseconds")) result.milliseconds = took->number().value_or(0);
}

void PythonAnswerReader::torch(const JsonReader& in) {
  PythonTorch torch;
  read(in, "version", torch.version);
  read(in, "file", torch.file);
  read(in, "cuda", torch.cuda);
  read(in, "hip", torch.hip);
  read(in, "arch_list", torch.arch_list);
  read(in, "cudnn", torch.cudnn);
  read(in, "config", torch.config);
  if (torch.config) torch.config = lines_of(in, "config");
  answer_.torch = std::move(torch);
}

}  // namespace gpuinit::probe
