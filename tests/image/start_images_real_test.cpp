// The images of tests/image/starts, which have the shape of those that people use: each start is
// really run in the image's root and followed. The table of docs/starts.md is written from them.
// After a change:
//   GPUINIT_WRITE_STARTS=1 build/release/tests/image/image_real_test
//   --gtest_filter='StartsPage.*'
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "image/conda_prefix.h"
#include "image/real_start.h"

namespace gpuinit::image::real {
namespace {

namespace stdfs = std::filesystem;

constexpr char kPage[] = GPUINIT_SOURCE "/docs/starts.md";
constexpr char kBegin[] = "<!-- written from tests/image/starts -->\n";
constexpr char kEnd[] = "<!-- end -->\n";

std::vector<stdfs::path> image_files() {
  std::vector<stdfs::path> files;
  for (const auto& entry : stdfs::directory_iterator(GPUINIT_SOURCE "/tests/image/starts"))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Words words_of(const toml::node_view<toml::node>& node) {
  Words words;
  if (const auto* array = node.as_array())
    for (const auto& word : *array) words.push_back(word.value_or(std::string()));
  return words;
}

// What `python -m venv` writes, for that directory.
std::string activate_of(const std::string& directory) {
  const gpuinit::test::Tree venv;
  gpuinit::test::run_program({"/usr/bin/python3", "-m", "venv", "--without-pip", venv.root()});
  std::ifstream file(venv.at("bin/activate"));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t at = 0; (at = text.find(venv.root(), at)) != std::string::npos;)
    text.replace(at, venv.root().size(), directory);
  return text;
}

struct ImageStart {
  Words command;         // with the image's entry point
  Words given;           // what a user gives
  std::string comes_to;  // "program", "interactive", "unclear"
};

struct Image {
  std::string name;
  Stage stage{/*as_root=*/true};
  std::vector<ImageStart> starts;

  explicit Image(const stdfs::path& file) {
    toml::table data = toml::parse_file(file.native());
    name = data["image"].value_or(std::string());
    for (const char* program : {"bash", "sh", "env"}) stage.program(program);
    for (const auto& program : words_of(data["programs"])) stage.program(program);
    for (const auto& path : words_of(data["stubs"])) stage.stub(path);
    each(data, "environment",
         [&](const auto& key, const auto& value) { stage.environment[key] = value; });
    each(data, "links", [&](const auto& key, const auto& value) { stage.tree.link(key, value); });
    each(data, "files", [&](const auto& key, std::string text) {
      if (text.starts_with("@activate ")) text = activate_of(text.substr(10));
      stage.tree.file(key, text, text.starts_with("#!") ? 0755 : 0644);
    });
    if (const auto conda = data["conda"].value<std::string>()) {
      make_conda(stage, "opt/conda", *conda);
      stage.also_unknown = {{"_CONDA_EXE", ""}, {"_CONDA_ROOT", ""}};
    }
    stage.directory = data["cwd"].value_or(std::string("/"));
    stage.tree.directory(stage.directory);
    const Words entrypoint = words_of(data["entrypoint"]);
    for (auto& start : *data["start"].as_array()) {
      toml::node_view<toml::node> view(start);
      ImageStart one;
      one.given = words_of(view["command"]);
      if (!view["command"]) one.given = words_of(data["cmd"]);
      one.command = entrypoint;
      one.command.insert(one.command.end(), one.given.begin(), one.given.end());
      one.comes_to = view["comes_to"].value_or(std::string("program"));
      starts.push_back(std::move(one));
    }
  }

 private:
  template <class Function>
  static void each(toml::table& data, const char* key, const Function& call) {
    if (auto* table = data[key].as_table())
      for (const auto& [name, value] : *table)
        call(std::string(name.str()), value.value_or(std::string()));
  }
};

std::string in_words(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

class ImageStarts : public testing::TestWithParam<stdfs::path> {};

TEST_P(ImageStarts, ComeToWhatReallyRuns) {
  const Image image(GetParam());
  for (const ImageStart& start : image.starts) {
    SCOPED_TRACE(image.name + ": " + in_words(start.command));
    const Start followed = image.stage.follow(start.command);
    const RealRun real = image.stage.run(start.command);
    EXPECT_EQ(difference(followed, real, image.stage), "");
    const Came came = came_of(followed, image.stage);
    const bool is_shell = came == Came::kToNothing &&
                          followed.program->needs_no_gpu.find("interactive") != std::string::npos;
    const std::string comes_to = is_shell                    ? "interactive"
                                 : came == Came::kToAProgram ? "program"
                                                             : "unclear";
    EXPECT_EQ(comes_to, start.comes_to) << followed.program.reason();
    EXPECT_TRUE(start.comes_to != "program" || !real.programs.empty()) << real.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, ImageStarts, testing::ValuesIn(image_files()), [](const auto& image) {
  std::string name = image.param.stem().native();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
});

std::string in_a_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

struct Table {
  int images = 0;
  int followed = 0;  // in every start
  int starts = 0;
  int starts_followed = 0;
  std::string rows;
};

Table table() {
  Table result;
  for (const auto& file : image_files()) {
    const Image image(file);
    bool all = true;
    std::string shown = image.name;
    for (const ImageStart& start : image.starts) {
      const Start followed = image.stage.follow(start.command);
      const bool known = followed.program.known();
      all = all && known;
      ++result.starts;
      result.starts_followed += known ? 1 : 0;
      std::string answer = "unclear: " + followed.program.reason() + "; followed at exec";
      if (known)
        answer = "`" + followed.program->path +
                 (followed.program->runs.empty() ? "" : " " + followed.program->runs) + "`" +
                 (followed.program->needs_no_gpu.empty() ? "" : ", which needs no GPU");
      result.rows += "| " + shown + " | " +
                     (start.given.empty() ? "" : "`" + in_a_cell(in_words(start.given)) + "`") +
                     " | " + in_a_cell(answer) + " |\n";
      shown.clear();
    }
    ++result.images;
    result.followed += all ? 1 : 0;
  }
  return result;
}

std::string page_of(const Table& table) {
  return std::to_string(table.followed) + " of " + std::to_string(table.images) +
         " images are followed in every start, " + std::to_string(table.starts_followed) + " of " +
         std::to_string(table.starts) +
         " starts. Where a start is unclear, `--supervise` follows it from exec to exec, and "
         "judges a "
         "Python with torch there; other programs are let go.\n\n"
         "| image | command | comes to |\n|---|---|---|\n" +
         table.rows;
}

TEST(StartsPage, IsWrittenFromTheImages) {
  std::ifstream file(kPage);
  std::string page((std::istreambuf_iterator<char>(file)), {});
  const std::size_t from = page.find(kBegin);
  const std::size_t to = page.find(kEnd);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos) << kPage;
  const std::size_t begin = from + sizeof kBegin - 1;
  const Table written = table();
  EXPECT_EQ(written.images, 24);
  EXPECT_GE(written.followed, 20);
  const std::string text = page_of(written);
  if (std::getenv("GPUINIT_WRITE_STARTS") != nullptr) {
    page.replace(begin, to - begin, text);
    std::ofstream(kPage) << page;
    return;
  }
  EXPECT_EQ(page.substr(begin, to - begin), text);
}

}  // namespace
}  // namespace gpuinit::image::real
