#include "cli/peer_options.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/signal_name.h"
#include "base/text.h"

namespace gpuinit::cli {

namespace {

constexpr unsigned kTini = 1;
constexpr unsigned kDumbInit = 2;
constexpr unsigned kCatatonit = 4;

constexpr std::string_view kExitZero = "--set launch.exit-zero=";

struct PeerOption {
  char letter;
  std::string_view name;  // without its dashes; empty: only the letter
  unsigned whose;
  std::string_view ours;  // empty: nothing but --supervise, or not even that
  bool supervises = true;
  // Its value as ours has it, with one in case that it makes no sense. Null: it takes none.
  std::string (*value)(const std::string& given) = nullptr;
  std::string_view example = "";
};

std::string exit_code(const std::string& given) {
  const auto code = base::parse_number(given);
  return code && *code <= 255 ? given : "";
}

std::string signal_text(const std::string& given) {
  const auto signal = base::signal_number(given);
  return signal ? base::signal_name(*signal) : "";
}

// "15:2" → "SIGTERM=SIGINT"
std::string rewriting(const std::string& given) {
  const auto colon = given.find(':');
  if (colon == std::string::npos) return "";
  const std::string received = signal_text(given.substr(0, colon));
  const std::string sent =
      given.substr(colon + 1) == "0" ? "ignore" : signal_text(given.substr(colon + 1));
  return received.empty() || sent.empty() ? "" : received + "=" + sent;
}

// Sources: the programs' manual pages; docs/drop-in.md has the table for people.
constexpr PeerOption kPeerOptions[] = {
    {'s', "", kTini, ""},
    {'w', "", kTini, ""},
    {'c', "single-child", kDumbInit, ""},
    {'g', "", kTini | kCatatonit, "--set launch.signal-target=group"},
    {'e', "", kTini, kExitZero, true, exit_code, "143"},
    {'p', "", kTini, "--set launch.parent-death-signal=", true, signal_text, "SIGTERM"},
    {'r', "rewrite", kDumbInit, "--set launch.signals.", true, rewriting, "SIGTERM=SIGINT"},
    {'P', "", kCatatonit, "sleep infinity"},
    {'v', "", kTini | kDumbInit, "--verbose", false},
    {'V', "", kDumbInit | kCatatonit, "--version", false},
    {'l', "", kTini, "--version", false},
    {'L', "", kCatatonit, "--version", false},
};

const PeerOption* by_letter(char letter) {
  const auto* found = std::ranges::find(kPeerOptions, letter, &PeerOption::letter);
  return found == std::end(kPeerOptions) ? nullptr : found;
}

std::string names_of(unsigned whose) {
  std::vector<std::string> names;
  if ((whose & kTini) != 0) names.emplace_back("tini");
  if ((whose & kDumbInit) != 0) names.emplace_back("dumb-init");
  if ((whose & kCatatonit) != 0) names.emplace_back("catatonit");
  return names.empty() ? "other inits" : base::join_with(names, " and ");
}

class Translation {
 public:
  Translation(int count, const char* const* words, bool supervised)
      : words_(words, words + count), supervises_(supervised), supervised_(supervised) {}

  std::string answer() {
    while (next_ < words_.size() && (take_letters() || take_name())) {
    }
    if (next_ == 0) return "";
    std::string ours = supervises_ && !supervised_ ? "--supervise" : "";
    for (const std::string& part : ours_) ours += (ours.empty() ? "" : " ") + part;
    const std::string theirs = base::printable(base::join_with(
        {words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(next_)}, " "));
    return "`" + theirs + "` is for " + names_of(whose_) +
           (ours.empty() ? "; gpuinit does so without it" : "; for gpuinit write `" + ours + "`");
  }

 private:
  // "-g", "-gvv", "-e143". False, and nothing taken, if a letter is not a peer's.
  bool take_letters() {
    const std::string& word = words_[next_];
    if (!word.starts_with('-') || word.starts_with("--") || word.size() < 2) return false;
    for (const char letter : word.substr(1)) {
      const PeerOption* option = by_letter(letter);
      if (option == nullptr) return false;
      if (option->value != nullptr) break;
    }
    ++next_;
    for (std::size_t i = 1; i < word.size(); ++i) {
      const PeerOption& option = *by_letter(word[i]);
      if (option.value == nullptr) {
        add(option, "");
        continue;
      }
      add(option, i + 1 < word.size() ? word.substr(i + 1) : next_word());
      break;
    }
    return true;
  }

  // "--rewrite 15:2", "--rewrite=15:2"
  bool take_name() {
    const std::string& word = words_[next_];
    if (!word.starts_with("--")) return false;
    const std::string name = word.substr(2, word.find('=') - 2);
    const auto* option = std::ranges::find(kPeerOptions, name, &PeerOption::name);
    if (name.empty() || option == std::end(kPeerOptions)) return false;
    ++next_;
    const bool has_value = name.size() + 2 < word.size();
    const std::string attached = has_value ? word.substr(name.size() + 3) : "";
    add(*option, has_value || option->value == nullptr ? attached : next_word());
    return true;
  }

  std::string next_word() { return next_ < words_.size() ? words_[next_++] : ""; }

  void add(const PeerOption& option, const std::string& given) {
    whose_ &= option.whose;
    supervises_ = supervises_ || option.supervises;
    if (option.ours.empty()) return;
    std::string value = option.value == nullptr ? "" : option.value(given);
    if (option.value != nullptr && value.empty()) value = option.example;
    std::string text = std::string(option.ours) + value;
    if (option.ours == kExitZero) {
      // A second --set would take the place of the first.
      codes_ += (codes_.empty() ? "" : ",") + value;
      std::erase_if(ours_, [](const std::string& part) { return part.starts_with(kExitZero); });
      text = std::string(kExitZero) + "[" + codes_ + "]";
    }
    if (std::ranges::find(ours_, text) == ours_.end()) ours_.push_back(std::move(text));
  }

  std::vector<std::string> words_;
  std::size_t next_ = 0;
  unsigned whose_ = kTini | kDumbInit | kCatatonit;
  bool supervises_;
  bool supervised_;
  std::string codes_;  // "143,130"
  std::vector<std::string> ours_;
};

}  // namespace

std::string peer_answer(int count, const char* const* words, bool supervised) {
  return Translation(count, words, supervised).answer();
}

}  // namespace gpuinit::cli
