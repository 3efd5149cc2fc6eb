// docs/facts.schema.json and docs/report.schema.json are written from the types: with
// GPUINIT_WRITE_SCHEMAS=1 by this test, which otherwise holds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "base/text.h"
#include "facts/fact_fields.h"
#include "facts/facts_json.h"
#include "facts/sample_facts.h"
#include "report/json_text.h"
#include "support/healthy.h"
#include "support/json_schema.h"

namespace gpuinit::report {
namespace {

using base::Json;
using base::JsonArray;
using base::JsonObject;

constexpr char kDraft[] = "https://json-schema.org/draft/2020-12/schema";

std::string content(const std::string& name) {
  std::ifstream file(std::string(GPUINIT_SOURCE) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json of_type(const char* type) { return JsonObject{{"type", type}}; }
Json ref(const std::string& name) { return JsonObject{{"$ref", "#/$defs/" + name}}; }
Json array_of(Json items) { return JsonObject{{"type", "array"}, {"items", std::move(items)}}; }
Json described(Json schema, const std::string& description) {
  std::get<JsonObject>(schema.value).emplace_back("description", description);
  return schema;
}

// All of `properties` are there, and nothing else.
Json object_of(JsonObject properties, const std::set<std::string>& optional = {}) {
  JsonArray required;
  for (const auto& [name, schema] : properties)
    if (!optional.contains(name)) required.emplace_back(name);
  return JsonObject{{"type", "object"},
                    {"properties", std::move(properties)},
                    {"required", std::move(required)},
                    {"additionalProperties", false}};
}

// The comments of the members in include/gpuinit: {"Torch", "layout"} → "\"wheel\", \"conda\", …".
using Comments = std::map<std::pair<std::string, std::string>, std::string>;

Comments comments_of(const std::string& header) {
  Comments comments;
  std::string in, above;
  std::pair<std::string, std::string> last;
  for (const auto line : base::split_lines(header)) {
    const std::string_view text = base::trim(line);
    if (text.starts_with("struct ")) {
      in = std::string(text.substr(7, text.find_first_of(" ;{", 7) - 7));
      last = {};
      above.clear();
      continue;
    }
    const auto slashes = text.find("//");
    const std::string_view code = base::trim(text.substr(0, slashes));
    const std::string_view words =
        slashes == std::string_view::npos ? "" : base::trim(text.substr(slashes + 2));
    if (code.empty() && !words.empty()) {
      // What is indented far to the right goes on with the line before.
      const bool goes_on = line.find("//") > 10 && !last.first.empty();
      std::string& to = goes_on ? comments[last] : above;
      to.append(to.empty() ? "" : " ").append(words);
      continue;
    }
    if (!code.ends_with(';') || code.find('(') != std::string_view::npos) {
      if (code.empty()) above.clear();
      continue;
    }
    std::string_view name = code.substr(0, code.find_first_of("={;", code.find('>') + 1));
    name = base::trim(name);
    name = name.substr(name.rfind(' ') + 1);
    last = {in, std::string(name)};
    std::string& to = comments[last];
    to = above;
    to.append(to.empty() || words.empty() ? "" : " ").append(words);
    above.clear();
  }
  return comments;
}

// The archive of facts/fact_fields.h that describes them.
class FactsSchema {
 public:
  explicit FactsSchema(const Comments& comments, JsonObject& definitions)
      : comments_(comments), definitions_(definitions) {}

  template <class T>
  static std::string name_of() {
    const std::string_view all = __PRETTY_FUNCTION__;  // "… [with T = gpuinit::Torch; …]"
    const auto begin = all.find("gpuinit::", all.find("T = ")) + 9;
    return std::string(all.substr(begin, all.find_first_of(";],", begin) - begin));
  }

  template <class T>
  void field(const char* name, const T& member, const facts::Form& form = {}) {
    Json schema = of(member);
    std::string text;
    if (const auto found = comments_.find({struct_, name}); found != comments_.end())
      text = found->second;
    if (!form.example.empty()) {
      text.append(text.empty() ? "" : ". ").append("Like ").append(form.example);
    }
    properties_.emplace_back(name, text.empty() ? schema : described(std::move(schema), text));
  }
  template <class T>
  void required(const char* name, const T& member, const facts::Form& form = {}) {
    field(name, member, form);
  }

  template <class T>
  Json define() {
    const std::string name = name_of<T>();
    for (const auto& [known, schema] : definitions_)
      if (known == name) return ref(name);
    FactsSchema fields(comments_, definitions_);
    fields.struct_ = name;
    const T object{};
    facts::describe(fields, object);
    definitions_.emplace_back(name, object_of(std::move(fields.properties_)));
    return ref(name);
  }

 private:
  static Json of(const std::string&) { return of_type("string"); }
  static Json of(bool) { return of_type("boolean"); }
  static Json of(int) { return of_type("integer"); }
  static Json of(std::uint64_t) { return JsonObject{{"type", "integer"}, {"minimum", 0}}; }
  static Json of(double) { return of_type("number"); }
  static Json of(ProbeRun::Outcome) {
    return JsonObject{
        {"enum", JsonArray(facts::kOutcomeWords.begin(), facts::kOutcomeWords.end())}};
  }
  template <class T>
  Json of(const std::vector<T>&) {
    return array_of(of(T{}));
  }
  template <class T>
  Json of(const std::map<std::string, T>&) {
    return JsonObject{{"type", "object"}, {"additionalProperties", of(T{})}};
  }
  template <class T>
  Json of(const Fact<T>&) {
    return JsonObject{{"anyOf", JsonArray{of(T{}), ref("not_known")}}};
  }
  template <class T>
  requires std::is_class_v<T> Json of(const T&) { return define<T>(); }

  const Comments& comments_;
  JsonObject& definitions_;
  JsonObject properties_;
  std::string struct_;
};

Json facts_schema() {
  std::string headers;
  for (const char* name : {"image_facts", "node_facts", "device_code", "load_problems",
                           "compat_note", "python_answer", "probe_run", "unread"})
    headers += content(std::string("include/gpuinit/") + name + ".h");
  const Comments comments = comments_of(headers);
  const auto reason = [](const char* word) {
    return object_of({{word, described(of_type("string"), "why; may be empty")}});
  };
  JsonObject definitions{
      {"not_known",
       described(
           JsonObject{{"anyOf", JsonArray{of_type("null"), reason("absent"), reason("unknown")}}},
           "null and absent: it was looked for and is not there. unknown: it could not be "
           "told. A check decides on the first and never on the second.")}};
  FactsSchema archive(comments, definitions);
  const Json image = archive.define<ImageFacts>();
  const Json node = archive.define<NodeFacts>();
  const Json whole = object_of(
      {{"schema", JsonObject{{"const", kFactsSchema}}}, {"image", image}, {"node", node}});
  JsonObject schema{
      {"$schema", kDraft},
      {"title", "gpuinit's facts: `gpuinit --facts`, and the member facts of a report"}};
  for (const auto& [key, value] : *whole.as_object()) schema.emplace_back(key, value);
  schema.emplace_back("$defs", std::move(definitions));
  return schema;
}

template <class Enum>
JsonArray words(std::initializer_list<Enum> all) {
  JsonArray array;
  for (const Enum one : all) array.emplace_back(word_of(one));
  return array;
}

JsonArray severities() {
  return words({Severity::kFail, Severity::kWarn, Severity::kUndecided, Severity::kSkipped,
                Severity::kAccepted});
}

Json event(const char* name, JsonObject more) {
  JsonObject members{{"schema", JsonObject{{"const", kReportSchema}}},
                     {"event", JsonObject{{"const", name}}}};
  members.insert(members.end(), more.begin(), more.end());
  return object_of(std::move(members));
}

Json report_schema() {
  const Json text = of_type("string");
  JsonArray codes, results = severities();
  for (const auto& info : kExitCodes)
    if (info.code < kExitNotExecutable) codes.emplace_back(info.code);
  results.insert(results.end(), {Json("passed"), Json("off")});
  const Json exit_code =
      described(JsonObject{{"enum", codes}}, "of gpuinit; see --explain exit-codes");
  const Json levels = JsonObject{{"enum", words({Level::kFail, Level::kWarn, Level::kOff})}};
  JsonObject members{
      {"gpuinit", described(text, "its version")},
      {"verdict", JsonObject{{"enum", words({Verdict::Word::kPass, Verdict::Word::kWarn,
                                             Verdict::Word::kFail})}}},
      {"exit_code", exit_code},
      {"policy",
       object_of(
           {{"sources",
             described(array_of(text), "where values come from: files, GPUINIT_SET, --set")},
            {"locked_by", JsonObject{{"anyOf", JsonArray{text, of_type("null")}},
                                     {"description", "the file that says `locked = true`"}}}})},
      {"checks",
       array_of(object_of({{"id", text},
                           {"level", levels},
                           {"result", described(JsonObject{{"enum", results}},
                                                "of its findings the worst; passed: none")}}))},
      {"findings", array_of(ref("finding"))},
      {"facts", JsonObject{{"$ref", "facts.schema.json"}}},
      {"timings_ms", JsonObject{{"type", "object"}, {"additionalProperties", of_type("number")}}}};
  const Json evidence =
      object_of({{"key", described(JsonObject{{"type", "string"}, {"pattern", "^[a-z0-9-]+$"}},
                                   "stable; several lines may share it")},
                 {"label", described(text, "for people; empty: goes on with the line before")},
                 {"value", text}});
  const Json finding = object_of(
      {{"id", described(text, "of the check")},
       {"severity", JsonObject{{"enum", severities()}}},
       {"exit_code", described(JsonObject{{"enum", codes}},
                               "what it makes gpuinit exit with: 0 unless it fails")},
       {"summary", described(text, "one sentence: what was seen")},
       {"needs", described(text, "what is needed, in one word: \"12.8\", \"sm_61\"")},
       {"has", described(text, "what is there instead")},
       {"about",
        described(array_of(text), "packages, files, libraries that an [[accept]] may name")},
       {"evidence", array_of(evidence)},
       {"why", text},
       {"fix", text},
       {"because", described(text, "the check whose finding has told the same reason before")}},
      {"needs", "has", "because"});
  const Json code = described(of_type("integer"), "what gpuinit exits with");
  JsonArray events;
  events.push_back(event("verdict", members));
  events.push_back(event("error", {{"message", text}, {"exit_code", code}}));
  events.push_back(event("postmortem", {{"message", text}, {"exit_code", code}}));
  events.push_back(event("notice", {{"message", text}}));
  events.push_back(event("progress", {{"message", text}}));
  events.push_back(event("log", {{"ms", of_type("number")}, {"message", text}}));
  events.push_back(event("dropped", {{"bytes", of_type("integer")}}));
  members.insert(members.begin(), {"schema", JsonObject{{"const", kReportSchema}}});
  const Json whole = object_of(std::move(members));
  JsonObject schema{
      {"$schema", kDraft},
      {"title",
       "gpuinit's report: `gpuinit --check --format json`; an event at a launch is $defs/event"}};
  for (const auto& [key, value] : *whole.as_object()) schema.emplace_back(key, value);
  schema.emplace_back("$defs",
                      JsonObject{{"finding", finding}, {"event", JsonObject{{"anyOf", events}}}});
  return schema;
}

void expect_in_docs(const std::string& name, const Json& schema) {
  const std::string text = base::print_json(schema) + "\n";
  if (std::getenv("GPUINIT_WRITE_SCHEMAS") != nullptr)
    std::ofstream(std::string(GPUINIT_SOURCE) + "/docs/" + name) << text;
  EXPECT_EQ(content("docs/" + name), text)
      << "GPUINIT_WRITE_SCHEMAS=1 report_test --gtest_filter=Schemas.* writes it; what changes a "
         "meaning needs a new number (docs/json.md)";
}

test::JsonSchema schemas() {
  return test::JsonSchema(
      {{"facts.schema.json", facts_schema()}, {"report.schema.json", report_schema()}});
}

TEST(Schemas, OfFactsIsInDocs) { expect_in_docs("facts.schema.json", facts_schema()); }

TEST(Schemas, OfReportsIsInDocs) { expect_in_docs("report.schema.json", report_schema()); }

TEST(Schemas, FactsFitWhateverIsKnown) {
  for (const Facts& facts : {Facts{}, test::full_facts(), test::healthy_facts()})
    EXPECT_EQ(schemas().problem(facts::facts_to_json(facts), "facts.schema.json"), "");
}

// Each member of the facts has a sentence: of the header that declares it.
TEST(Schemas, MostMembersOfFactsAreDescribed) {
  const std::string text = base::print_json(facts_schema());
  std::size_t count = 0;
  for (auto at = text.find("\"description\""); at != std::string::npos;
       at = text.find("\"description\"", at + 1))
    ++count;
  EXPECT_GE(count, 150U);
}

TEST(Schemas, AMemberMoreOrLessOrOfAnotherTypeIsSeen) {
  const auto problem_with = [](auto change) {
    Json json = facts::facts_to_json(test::full_facts());
    change(std::get<JsonObject>(json.value));
    return schemas().problem(json, "facts.schema.json");
  };
  EXPECT_EQ(problem_with([](JsonObject& o) { o.emplace_back("x", 1); }), ".x is not in the schema");
  EXPECT_EQ(problem_with([](JsonObject& o) { o.pop_back(); }), ": lacks node");
  EXPECT_EQ(problem_with([](JsonObject& o) { o.front().second = 9; }),
            ".schema: 9 is not as `const` has it");
  EXPECT_NE(problem_with([](JsonObject& o) {
              std::get<JsonObject>(o[1].second.value).front().second = true;
            }),
            "");
}

}  // namespace
}  // namespace gpuinit::report
