#include "support/healthy.h"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "facts/facts_json.h"

namespace gpuinit::test {

namespace {

template <class T>
T whole(Result<T> result) {
  if (!result) throw std::runtime_error("healthy.json: " + result.error().message);
  return std::move(result).value();
}

base::Json read() {
  std::ifstream file(GPUINIT_HEALTHY_JSON);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return whole(base::parse_json(text));
}

}  // namespace

const base::Json& healthy_json() {
  static const base::Json json = read();
  return json;
}

const Facts& healthy_facts() {
  static const Facts facts = whole(facts::facts_from_json(healthy_json()));
  return facts;
}

}  // namespace gpuinit::test
