#include "facts/seal_file.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <map>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/checked.h"
#include "base/text.h"
#include "facts/seal_fields.h"

namespace gpuinit::facts {

namespace {

constexpr std::string_view kSealWord = "gpuinit-seal";
constexpr std::size_t kMaxLine = 120;
// Of the packed seal. That of vLLM's image, 200 packages, has 200 KB.
constexpr std::uint64_t kMaxSeal = 8ULL * 1024 * 1024;

template <class T>
concept Number = std::integral<T> || std::is_enum_v<T>;

// Writes the values; or, for the fingerprint, the names of all fields, in order and depth.
class Packer {
 public:
  explicit Packer(bool names = false) : names_(names) {}

  template <class T>
  void field(const char* name, const T& member, const Form& = kAnyForm) {
    if (names_) text_.append(name).append(1, ' ');
    put(member);
  }
  template <class T>
  void required(const char* name, const T& member, const Form& = kAnyForm) {
    field(name, member);
  }
  std::string take() { return std::move(text_); }

 private:
  [[gnu::noinline]] void put_number(std::uint64_t value) {
    if (names_) return;
    for (; value >= 0x80; value >>= 7U) text_ += static_cast<char>(value | 0x80U);
    text_ += static_cast<char>(value);
  }
  [[gnu::noinline]] void put(const std::string& value) {
    if (names_) return;
    put_number(value.size());
    text_ += value;
  }
  template <Number T>
  void put(T value) {
    put_number(static_cast<std::uint64_t>(value));
  }
  template <class T>
  void put(const std::vector<T>& items) {
    if (names_) return put(T());
    put_number(items.size());
    for (const T& item : items) put(item);
  }
  template <class T>
  void put(const std::map<std::string, T>& items) {
    if (names_) return put(T());
    put_number(items.size());
    for (const auto& [key, item] : items) put(key), put(item);
  }
  // What a start finds out itself.
  void put(const Fact<PythonAnswer>&) {}
  void put(const Fact<SealState>&) {}
  template <class T>
  void put(const Fact<T>& fact) {
    if (names_) return put(T());
    put_number(fact.known() ? 0 : fact.is_absent() ? 1 : 2);
    if (fact.known()) put(*fact);
    else put(fact.reason());
  }
  template <class T>
  requires(!Number<T>) void put(const T& object) { describe(*this, object); }

  bool names_;
  std::string text_;
};

// FNV-1a over the names of all fields.
std::string fingerprint() {
  Packer names(/*names=*/true);
  const Seal seal;
  describe(names, seal);
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const unsigned char byte : names.take()) hash = (hash ^ byte) * 0x100000001b3ULL;
  return std::to_string(hash);
}

// What follows the first thing that does not fit stays as it was made.
class Unpacker {
 public:
  explicit Unpacker(std::string_view text) : rest_(text) {}

  template <class T>
  void field(const char*, T& member, const Form& = kAnyForm) {
    take(member);
  }
  template <class T>
  void required(const char*, T& member, const Form& = kAnyForm) {
    take(member);
  }
  bool all_taken() const { return !failed_ && rest_.empty(); }

 private:
  [[gnu::noinline]] std::uint64_t take_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    return fail(), 0;
  }
  // Each item has at least a byte.
  std::size_t take_length() {
    const std::uint64_t length = take_number();
    return length <= rest_.size() ? length : (fail(), 0);
  }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  [[gnu::noinline]] void take(std::string& value) {
    const std::size_t length = take_length();
    value.assign(rest_.substr(0, length));
    rest_.remove_prefix(length);
  }
  void take(bool& value) { value = take_number() != 0; }
  void take(Witness::Kind& kind) {
    const std::uint64_t number = take_number();
    if (number <= static_cast<std::uint64_t>(Witness::Kind::kAbsent))
      kind = static_cast<Witness::Kind>(number);
    else fail();
  }
  template <std::integral T>
  void take(T& value) {
    value = static_cast<T>(take_number());
  }
  template <class T>
  [[gnu::noinline]] void take(std::vector<T>& items) {
    items.resize(0);
    const std::size_t count = take_length();
    items.reserve(std::min<std::size_t>(count, 1024));
    for (std::size_t i = 0; i < count && !failed_; ++i) take(items.emplace_back());
  }
  template <class T>
  void take(std::map<std::string, T>& items) {
    const std::size_t count = take_length();
    for (std::size_t i = 0; i < count && !failed_; ++i) {
      std::string key;
      take(key);
      take(items[std::move(key)]);
    }
  }
  void take(Fact<PythonAnswer>&) {}
  void take(Fact<SealState>&) {}
  template <class T>
  [[gnu::noinline]] void take(Fact<T>& fact) {
    const std::uint64_t state = take_number();
    if (state == 0) {
      fact = T();
      take(fact.value());
      return;
    }
    std::string reason;
    take(reason);
    fact = state == 1 ? Fact<T>::absent(std::move(reason)) : Fact<T>::unknown(std::move(reason));
  }
  template <class T>
  void take(T& object) {
    describe(*this, object);
  }

  std::string_view rest_;
  bool failed_ = false;
};

struct Parts {
  std::uint64_t begin = 0;  // of the packed seal
  std::uint64_t seal = 0;   // bytes
  std::uint64_t recording = 0;
};

Result<Parts> find_parts(const base::ByteSource& file) {
  auto head = file.read_text(0, std::min<std::uint64_t>(file.size(), kMaxLine));
  if (!head) return std::move(head).error();
  const auto words = base::split(std::string_view(*head).substr(0, head->find('\n')), ' ');
  if (words.size() < 2 || words[0] != kSealWord) return Error{"it is not a seal"};
  if (words.size() != 5 || words[1] != "1" || words[2] != fingerprint())
    return Error{"it is of another gpuinit"};
  const auto seal = base::parse_number(words[3]);
  const auto recording = base::parse_number(words[4]);
  const Parts parts{head->find('\n') + 1, seal.value_or(0), recording.value_or(0)};
  const auto both = base::checked_add(parts.seal, parts.recording);
  if (!seal || !recording || !both || !base::range_inside(parts.begin, *both, file.size()))
    return Error{"it is cut off"};
  return parts;
}

}  // namespace

std::string seal_text(const Seal& seal, std::string_view recording) {
  Packer packer;
  describe(packer, seal);
  const std::string packed = packer.take();
  std::string text = std::string(kSealWord) + " 1 " + fingerprint() + " " +
                     std::to_string(packed.size()) + " " + std::to_string(recording.size()) + "\n";
  return text.append(packed).append(recording);
}

bool is_seal(const base::ByteSource& file) {
  const auto word = file.read_text(0, kSealWord.size());
  return word && *word == kSealWord;
}

Result<Seal> read_seal(const base::ByteSource& file) {
  const auto parts = find_parts(file);
  if (!parts) return parts.error();
  if (parts->seal > kMaxSeal) return Error{"it is larger than a seal can be"};
  const auto packed = file.read_text(parts->begin, parts->seal);
  if (!packed) return packed.error();
  Seal seal;
  Unpacker unpacker(*packed);
  describe(unpacker, seal);
  if (!unpacker.all_taken() || seal.pythons.empty()) return Error{"it is damaged"};
  for (const SealedPython& python : seal.pythons)
    if (!python.facts.interpreter || !python.facts.interpreter->sys_path)
      return Error{"it is damaged"};
  return seal;
}

bool has_recording(const base::ByteSource& file) {
  const auto parts = find_parts(file);
  return parts && parts->recording > 0;
}

Result<std::string> read_sealed_recording(const base::ByteSource& file) {
  const auto parts = find_parts(file);
  if (!parts) return parts.error();
  return file.read_text(parts->begin + parts->seal, parts->recording);
}

}  // namespace gpuinit::facts
