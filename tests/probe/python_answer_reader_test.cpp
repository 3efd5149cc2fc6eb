#include "probe/python/python_answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpuinit::probe {
namespace {

using State = PythonAnswerReader::State;
using Text = Fact<std::string>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

PythonAnswerReader read(std::string_view text) {
  PythonAnswerReader lines;
  lines.feed(text);
  return lines;
}

constexpr char kWhole[] = R"({"step": "Py_InitializeFromConfig"}
{"python": {"version": "3.12.4", "hexversion": 51119344, "soabi": "cpython-312-x86_64-linux-gnu", "executable": "/opt/venv/bin/python", "prefix": "/opt/venv", "base_prefix": "/usr", "exec_prefix": "/opt/venv", "path": ["", "/a"], "flags": ["isolated"]}}
{"step": "find torch"}
{"torch_origin": "/t/torch/__init__.py"}
{"step": "import torch"}
{"import": {"name": "torch", "milliseconds": 812.500, "version": "2.8.0+cu128", "file": "/t/torch/__init__.py"}}
{"step": "torch: config"}
{"torch": {"version": "2.8.0+cu128", "file": "/t/torch/__init__.py", "cuda": "12.8", "hip": null, "arch_list": ["sm_90"], "no cudnn": "RuntimeError: cuDNN version incompatibility", "config": "PyTorch built with:\n  - GCC"}}
{"step": "import flash_attn"}
{"import": {"name": "flash_attn", "error": "ImportError", "message": "libx.so", "traceback": "Traceback\n  File \"x.py\"\nImportError: libx.so", "milliseconds": 1}}
{"end": true}
)";

TEST(PythonAnswerReader, ReadsAWholeAnswer) {
  const PythonAnswerReader lines = read(kWhole);
  EXPECT_EQ(lines.state(), State::kWhole);
  EXPECT_TRUE(lines.greeted());
  EXPECT_EQ(lines.last_step(), "import flash_attn");
  const PythonAnswer& answer = lines.answer();
  EXPECT_EQ(answer.version, Text("3.12.4"));
  EXPECT_EQ(answer.soabi, Text("cpython-312-x86_64-linux-gnu"));
  EXPECT_EQ(answer.executable, Text("/opt/venv/bin/python"));
  EXPECT_EQ(answer.prefix, Text("/opt/venv"));
  EXPECT_EQ(answer.base_prefix, Text("/usr"));
  EXPECT_EQ(answer.exec_prefix, Text("/opt/venv"));
  EXPECT_THAT(*answer.sys_path, ElementsAre("", "/a"));
  EXPECT_THAT(*answer.flags, ElementsAre("isolated"));
  EXPECT_EQ(answer.torch_origin, Text("/t/torch/__init__.py"));
  EXPECT_EQ(answer.torch->cuda, Text("12.8"));
  EXPECT_TRUE(answer.torch->hip.is_absent());
  EXPECT_THAT(*answer.torch->arch_list, ElementsAre("sm_90"));
  EXPECT_EQ(answer.torch->cudnn, Text::unknown("RuntimeError: cuDNN version incompatibility"));
  EXPECT_EQ(answer.torch->config, Text("PyTorch built with:\n  - GCC"));
  ASSERT_THAT(answer.imports, SizeIs(2));
  EXPECT_EQ(answer.imports[0].version, Text("2.8.0+cu128"));
  EXPECT_EQ(answer.imports[0].milliseconds, 812.5);
  EXPECT_EQ(answer.imports[1].error, "ImportError");
  EXPECT_EQ(answer.imports[1].traceback, "Traceback\n  File \"x.py\"\nImportError: libx.so");
  EXPECT_EQ(answer.imports[1].version, Text::unknown("not imported"));
}

TEST(PythonAnswerReader, TakesItByteByByte) {
  PythonAnswerReader lines;
  for (const char c : std::string_view(kWhole)) lines.feed({&c, 1});
  EXPECT_EQ(lines.answer(), read(kWhole).answer());
  EXPECT_EQ(lines.state(), State::kWhole);
}

TEST(PythonAnswerReader, AnyPrefixIsAPartialAnswerAndNeverMore) {
  const std::string_view whole = kWhole;
  for (std::size_t size = 0; size + 1 < whole.size(); ++size)
    EXPECT_EQ(read(whole.substr(0, size)).state(), State::kPartial) << size;
}

TEST(PythonAnswerReader, WhatIsLeftOutStaysUnknown) {
  const PythonAnswerReader lines =
      read("{\"python\": {}}\n{\"torch\": {}}\n{\"import\": {}}\n{\"end\": true}\n");
  EXPECT_EQ(lines.state(), State::kWhole);
  EXPECT_EQ(lines.answer().version, Text());
  EXPECT_EQ(lines.answer().torch_origin, Text());
  EXPECT_EQ(lines.answer().torch->version, Text());
  EXPECT_EQ(lines.answer().imports[0].name, "");
}

TEST(PythonAnswerReader, ValuesOfOtherTypesAreNoValues) {
  const PythonAnswerReader lines = read(
      "{\"python\": {\"version\": 3, \"path\": \"/a\", \"soabi\": [], \"flags\": [1, \"x\", {}]}}\n"
      "{\"python\": 7}\n{\"torch\": [\"a\"]}\n{\"import\": null}\n{\"step\": {}}\n{\"new\": 1}\n");
  EXPECT_EQ(lines.state(), State::kPartial);
  EXPECT_EQ(lines.answer().version, Text());
  EXPECT_EQ(lines.answer().sys_path, Fact<std::vector<std::string>>());
  EXPECT_THAT(*lines.answer().flags, ElementsAre("x"));
}

TEST(PythonAnswerReader, AChildThatCouldNotBecomeTheProgram) {
  const auto refused = read("not-started /x: Permission denied\n");
  EXPECT_EQ(refused.state(), State::kNotStarted);
  EXPECT_EQ(refused.wrong(), "/x: Permission denied");
  EXPECT_EQ(read("no-loader /x: No such file or directory\n").state(), State::kNoLoader);
  // Only as the first words: later they are somebody else's.
  EXPECT_EQ(read("{\"step\": \"import a\"}\nnot-started x\n").state(), State::kGarbled);
}

TEST(PythonAnswerReader, AnythingElseIsGarbledAndWhatCameBeforeStays) {
  for (const char* line : {"hello", "[1]", "", "{\"end\": tru", "{\"a\": \"\xff\"}"}) {
    const auto lines = read(std::string("{\"python\": {\"version\": \"3.9.2\"}}\n") + line +
                            "\n{\"end\": true}\n");
    EXPECT_EQ(lines.state(), State::kGarbled) << line;
    EXPECT_EQ(lines.answer().version, Text("3.9.2"));
  }
}

TEST(PythonAnswerReader, AFloodIsCutOff) {
  PythonAnswerReader lines;
  const std::string step = "{\"step\": \"" + std::string(1000, 'x') + "\"}\n";
  for (int i = 0; i < 2000; ++i) lines.feed(step);
  EXPECT_EQ(lines.state(), State::kGarbled);
  PythonAnswerReader endless;
  const std::string piece(1 << 16, ' ');
  for (int i = 0; i < 17; ++i) endless.feed(piece);
  EXPECT_EQ(endless.state(), State::kGarbled);
  EXPECT_THAT(endless.wrong(), HasSubstr("makes the answer longer than 1 MiB"));
}

TEST(PythonAnswerReader, TextIsMadeHarmless) {
  const auto lines = read(
      "{\"step\": \"import \\u001b[31m\"}\n{\"python\": {\"version\": \"a\\nb\\u0007\"}}\n"
      "{\"import\": {\"name\": \"\\r\", \"traceback\": \"one\\n\\u001btwo\"}}\n");
  EXPECT_EQ(lines.last_step(), "import \\x1b[31m");
  EXPECT_EQ(lines.answer().version, Text("a\\x0ab\\x07"));
  EXPECT_EQ(lines.answer().imports[0].name, "\\x0d");
  EXPECT_EQ(lines.answer().imports[0].traceback, "one\n\\x1btwo");
}

TEST(PythonAnswerReader, MoreImportsThanCanBeAreNotKept) {
  PythonAnswerReader lines;
  for (int i = 0; i < 200; ++i) lines.feed("{\"import\": {\"name\": \"a\"}}\n");
  EXPECT_THAT(lines.answer().imports, SizeIs(PythonAnswerReader::kMaxImports));
}

}  // namespace
}  // namespace gpuinit::probe
