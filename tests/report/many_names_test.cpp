// Whatever there is much of, reports cost no more than in proportion.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "checks/run_checks.h"
#include "facts/each_text.h"
#include "facts/facts_json.h"
#include "facts/sample_facts.h"
#include "report/json_text.h"
#include "report/report_text.h"

namespace gpuinit::report {
namespace {

// The archive of facts/fact_fields.h that makes one list or map of many.
class Multiply {
 public:
  // `which`: in the order of the fields; none for a negative one.
  Multiply(int which, std::size_t size) : which_(which), size_(size) {}

  template <class T>
  void field(const char* name, T& member, const facts::Form& = {}) {
    name_ = name;
    visit(member);
  }
  template <class T>
  void required(const char* name, T& member, const facts::Form& = {}) {
    field(name, member);
  }
  int seen() const { return seen_; }
  const std::string& changed() const { return changed_; }

 private:
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void visit(T&) {}
  void visit(std::string&) {}
  void visit(std::vector<bool>&) {}
  template <class T>
  void visit(std::vector<T>& items) {
    if (seen_++ != which_) {
      if (!items.empty()) visit(items.front());
      return;
    }
    changed_ = name_;
    items.resize(1);
    items.resize(size_, items.front());
    for (std::size_t i = 0; i < size_; ++i) name(items[i], i);
  }
  template <class T>
  void visit(std::map<std::string, T>& items) {
    if (seen_++ != which_) return;
    changed_ = name_;
    for (std::size_t i = 0; i < size_; ++i) items.emplace("name " + std::to_string(i), T{});
  }
  template <class T>
  void visit(Fact<T>& fact) {
    if (fact.known()) visit(fact.value());
  }
  template <class T>
  requires std::is_class_v<T>
  void visit(T& object) { facts::describe(*this, object); }

  template <class T>
  static void name(T& item, std::size_t number) {
    test::EachText([number](std::string& text) {
      text += " " + std::to_string(number);
    }).visit(item);
  }

  int which_;
  std::size_t size_;
  int seen_ = 0;
  std::string name_;
  std::string changed_;
};

struct Cost {
  double seconds = 0;
  std::string of;
  int lists = 0;
};

Cost cost(Facts facts, int which, std::size_t size) {
  Multiply archive(which, size);
  facts::describe(archive, facts.image);
  facts::describe(archive, facts.node);
  const std::clock_t start = std::clock();
  const auto findings = checks::run_checks(facts, Policy{});
  const Verdict verdict = checks::judge(findings);
  const Timings timings;
  EXPECT_NE(report_text({verdict, findings, facts, timings, {.verbose = true}}), "");
  const auto json = base::parse_json(json_text(verdict, findings, facts, timings));
  EXPECT_TRUE(json.ok());
  return {static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, archive.changed(),
          archive.seen()};
}

// By work, not by time: ten times as much may cost at most twenty times as much.
TEST(ManyNames, CostInProportion) {
  constexpr std::size_t kFew = 200;
  const Facts facts = test::full_facts();
  const int lists = cost(facts, -1, 0).lists;
  EXPECT_GT(lists, 30);
  for (int i = 0; i < lists; ++i) {
    const Cost few = cost(facts, i, kFew);
    const Cost many = cost(facts, i, 10 * kFew);
    // Compared with each other; the reader takes 5,000 at most.
    if (many.of == "packages") continue;
    EXPECT_LT(many.seconds, 20 * std::max(few.seconds, 0.01)) << many.of;
  }
}

}  // namespace
}  // namespace gpuinit::report
