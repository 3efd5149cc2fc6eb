// Changes texts of facts wherever they are.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "facts/fact_fields.h"

namespace gpuinit::test {

// The archive of facts/fact_fields.h that shows every text, reasons and names of members too.
class EachText {
 public:
  using Change = std::function<void(std::string&)>;
  explicit EachText(Change change) : change_(std::move(change)) {}

  template <class T>
  void field(const char*, T& member, const facts::Form& = {}) {
    visit(member);
  }
  template <class T>
  void required(const char*, T& member, const facts::Form& = {}) {
    visit(member);
  }

  void visit(std::string& text) { change_(text); }
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void visit(T&) {}
  template <class T>
  void visit(std::vector<T>& items) {
    for (T& item : items) visit(item);
  }
  void visit(std::vector<bool>&) {}
  template <class T>
  void visit(std::map<std::string, T>& items) {
    std::map<std::string, T> changed;
    for (auto& [key, item] : items) {
      std::string name = key;
      change_(name);
      visit(item);
      changed.emplace(std::move(name), std::move(item));
    }
    items = std::move(changed);
  }
  template <class T>
  void visit(Fact<T>& fact) {
    if (fact.known()) return visit(fact.value());
    std::string reason = fact.reason();
    change_(reason);
    fact = fact.is_absent() ? Fact<T>::absent(reason) : Fact<T>::unknown(reason);
  }
  template <class T>
  requires std::is_class_v<T>
  void visit(T& object) { facts::describe(*this, object); }

 private:
  Change change_;
};

}  // namespace gpuinit::test
