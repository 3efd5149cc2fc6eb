#include "image/start/shell/shell_syntax.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace gpuinit::image::shell {

namespace {

using Kind = Node::Kind;
using NodePtr = std::unique_ptr<Node>;
constexpr auto npos = std::string_view::npos;

// The longest first.
constexpr std::string_view kOperators[] = {"&>>", ";;&", "<<-", "<<<", "&&", "||", ";;", ";&",
                                           "<<",  ">>",  "<&",  ">&",  "<>", ">|", "&>", "|&",
                                           "&",   ";",   "<",   ">",   "|",  "(",  ")"};
constexpr std::string_view kBashOperators = "&>> ;;& <<< ;& &> |&";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

class Parser {
 public:
  Parser(std::string_view text, std::size_t at, int line, bool bash, int depth)
      : text_(text), at_(at), line_(line), bash_(bash), depth_(depth) {
    advance();
  }

  NodePtr script() {
    NodePtr all = make(Kind::kList);
    std::size_t complete = 0;  // commands up to the last newline
    for (;;) {
      while (is_newline()) advance();
      complete = all->children.size();
      while (!is_newline() && kind_ != TokenKind::kEnd && ok()) add_command(*all);
      if (!ok()) {
        all->children.resize(complete);
        NodePtr broken = make(Kind::kUnclear);
        broken->text = error_;
        all->children.push_back(std::move(broken));
      }
      if (!is_newline() || !ok()) return all;
    }
  }

  std::vector<std::string> words() {
    std::vector<std::string> all;
    for (; kind_ == TokenKind::kWord || is_newline(); advance())
      if (!is_newline()) all.emplace_back(token_);
    return all;
  }

  // Behind the ')' that ends the list.
  std::size_t end_of_substitution() {
    (void)list();
    return ok() && is(")") && pending_.empty() ? at_ : npos;
  }

 private:
  enum class TokenKind : unsigned char { kWord, kOperator, kNewline, kEnd };

  struct HereDocument {
    std::string delimiter;
    bool strip_tabs;
  };

  bool ok() const { return error_.empty(); }
  bool is_newline() const { return kind_ == TokenKind::kNewline; }
  bool is(std::string_view operation) const {
    return kind_ == TokenKind::kOperator && token_ == operation;
  }
  bool is_word(std::string_view word) const { return kind_ == TokenKind::kWord && token_ == word; }

  NodePtr make(Kind kind) const {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->line = token_line_;
    return node;
  }

  NodePtr fail(const char* what = "a syntax that is not understood here") {
    if (ok()) error_ = what;
    kind_ = TokenKind::kEnd;
    return make(Kind::kList);
  }

  bool expect(std::string_view word) {
    if (kind_ <= TokenKind::kOperator && token_ == word) return advance();
    fail();
    return false;
  }

  // The next token → kind_, token_, fd_.
  bool advance() {
    fd_ = -1;
    for (;;) {
      while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
      if (!text_.substr(at_).starts_with("\\\n")) break;
      at_ += 2;
      ++line_;
    }
    if (at_ < text_.size() && text_[at_] == '#')
      at_ = std::min(text_.find('\n', at_), text_.size());
    token_line_ = line_;
    token_ = {};
    if (at_ >= text_.size()) {
      kind_ = TokenKind::kEnd;
      return true;
    }
    if (text_[at_] == '\n') {
      kind_ = TokenKind::kNewline;
      ++at_;
      ++line_;
      skip_here_documents();
      return true;
    }
    return operation() || word();
  }

  bool operation() {
    std::size_t at = at_;
    while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9') ++at;
    const bool numbered = at > at_ && at < at_ + 4;
    const std::string_view rest = text_.substr(numbered ? at : at_);
    if (numbered && !rest.starts_with("<") && !rest.starts_with(">")) return false;
    if (bash_ && !numbered && (rest.starts_with("<(") || rest.starts_with(">("))) return false;
    for (const auto candidate : kOperators) {
      if (!rest.starts_with(candidate)) continue;
      if (!bash_ && has_word(kBashOperators, candidate)) fail();
      kind_ = ok() ? TokenKind::kOperator : TokenKind::kEnd;
      token_ = candidate;
      if (numbered) {
        fd_ = 0;
        for (; at_ < at; ++at_) fd_ = fd_ * 10 + (text_[at_] - '0');
      }
      at_ += candidate.size();
      return true;
    }
    return false;
  }

  bool word() {
    const auto begin = at_;
    kind_ = TokenKind::kWord;
    if (text_[at_] == '<' || text_[at_] == '>') {  // process substitution
      at_ = skip_list(at_ + 2);
      if (at_ == npos) {
        at_ = text_.size();
        fail("something that is not closed");
        return true;
      }
    }
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_blank(c) || c == '\n' || c == ';' || c == '&' || c == '|' || c == ')' || c == '<' ||
          c == '>')
        break;
      if (c == '(') {
        const auto before = text_.substr(begin, at_ - begin);
        if (before.empty()) break;
        if (bash_ && assignment_value(before) == before.size()) {
          at_ = skip_array(at_ + 1);
        } else if (std::string_view("?*+@!").find(before.back()) != npos) {
          // Whether extglob is on is asked when the word is expanded.
          const auto end = text_.find_first_of(")('\"\\$`\n", at_ + 1);
          if (!bash_ || end == npos || text_[end] != ')') {
            fail("an extended pattern");
            return true;
          }
          at_ = end + 1;
        } else {
          break;
        }
      } else if (c == '\\') {
        // A name or a keyword over two lines.
        if (text_.substr(at_).starts_with("\\\n") && at_ + 2 < text_.size() &&
            !is_blank(text_[at_ + 2]) && name_end(text_, begin) == at_ && at_ > begin) {
          fail();
          return true;
        }
        at_ += 2;
      } else if (c == '\'' || c == '"') {
        at_ = skip_quoted(text_, at_, bash_, depth_);
      } else if (c == '$' && text_.substr(at_).starts_with("$'") && bash_) {
        for (at_ += 2; at_ < text_.size() && text_[at_] != '\'';) at_ += text_[at_] == '\\' ? 2 : 1;
        at_ = at_ < text_.size() ? at_ + 1 : npos;
      } else if (c == '$' || c == '`') {
        at_ = skip_expansion(text_, at_, bash_, depth_);
      } else {
        ++at_;
      }
      if (at_ == npos || at_ > text_.size()) {
        at_ = text_.size();
        fail("something that is not closed");
        return true;
      }
    }
    token_ = text_.substr(begin, at_ - begin);
    line_ += static_cast<int>(std::count(token_.begin(), token_.end(), '\n'));
    return true;
  }

  // Behind the ')' of the list that begins at `at`.
  std::size_t skip_list(std::size_t at) const {
    if (depth_ > kMaxNesting) return npos;
    return Parser(text_, at, line_, bash_, depth_ + 1).end_of_substitution();
  }

  std::size_t skip_array(std::size_t at) const {
    if (depth_ > kMaxNesting) return npos;
    Parser words(text_, at, line_, bash_, depth_ + 1);
    while (words.kind_ == TokenKind::kWord || words.is_newline()) words.advance();
    return words.ok() && words.is(")") ? words.at_ : npos;
  }

  void skip_here_documents() {
    for (const auto& document : pending_) {
      while (at_ < text_.size()) {
        const auto end = std::min(text_.find('\n', at_), text_.size());
        auto line = text_.substr(at_, end - at_);
        at_ = std::min(end + 1, text_.size());
        ++line_;
        if (document.strip_tabs)
          line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        if (line == document.delimiter) break;
      }
    }
    pending_.clear();
  }

  // One redirection, if one stands here.
  bool redirect(Node& node) {
    if (kind_ != TokenKind::kOperator || token_.find_first_of("<>") == npos) return false;
    Redirect redirect{std::string(token_), "", fd_};
    advance();
    if (kind_ != TokenKind::kWord) fail();
    redirect.target = token_;
    if (redirect.operation.starts_with("<<") && redirect.operation != "<<<") {
      std::string delimiter;
      for (const char c : token_)
        if (c != '\'' && c != '"' && c != '\\') delimiter += c;
      pending_.push_back({std::move(delimiter), redirect.operation == "<<-"});
    }
    if (ok()) advance();
    node.redirects.push_back(std::move(redirect));
    return true;
  }

  // Commands until what no command begins with: a closing word, ')', ';;', the end.
  NodePtr list() {
    NodePtr all = make(Kind::kList);
    while (ok()) {
      while (is_newline()) advance();
      static constexpr std::string_view kClosing = "then else elif fi do done esac }";
      if (kind_ == TokenKind::kEnd || is(")") || is(";;") || is(";&") || is(";;&")) break;
      if (kind_ == TokenKind::kWord && has_word(kClosing, token_)) break;
      add_command(*all);
    }
    return all;
  }

  NodePtr full_list() {
    NodePtr all = list();
    if (all->children.empty()) fail();
    return all;
  }

  // One and-or list with its separator.
  void add_command(Node& all) {
    NodePtr command = and_or();
    if (is("&")) {
      NodePtr aside = make(Kind::kBackground);
      aside->line = command->line;
      aside->children.push_back(std::move(command));
      command = std::move(aside);
      advance();
    } else if (is(";")) {
      advance();
    } else if (!is_newline() && kind_ != TokenKind::kEnd && !is(")") && !is(";;") && !is(";&") &&
               !is(";;&")) {
      fail();
    }
    all.children.push_back(std::move(command));
  }

  NodePtr and_or() {
    NodePtr first = pipeline();
    if (!is("&&") && !is("||")) return first;
    NodePtr all = make(Kind::kAndOr);
    all->line = first->line;
    all->children.push_back(std::move(first));
    while (is("&&") || is("||")) {
      all->words.emplace_back(token_);
      advance();
      while (is_newline()) advance();
      all->children.push_back(pipeline());
    }
    return all;
  }

  NodePtr pipeline() {
    bool negated = false;
    bool inverted = false;
    const int line = token_line_;
    while (is_word("!") || (bash_ && is_word("time"))) {
      if (token_ == "!") {
        negated = true;
        inverted = !inverted;
        if (at_ < text_.size() && text_[at_] == '(') return fail("an extended pattern");
      }
      advance();
      if (is_word("-p")) return fail();
    }
    NodePtr result = command();
    if (is("|") || is("|&")) {
      NodePtr all = make(Kind::kPipeline);
      all->line = line;
      all->children.push_back(std::move(result));
      while (is("|") || is("|&")) {
        advance();
        while (is_newline()) advance();
        all->children.push_back(command());
      }
      result = std::move(all);
    }
    if (!negated) return result;
    NodePtr negation = make(Kind::kNot);
    negation->line = line;
    negation->listed = inverted;
    negation->children.push_back(std::move(result));
    return negation;
  }

  NodePtr command() {
    if (!ok()) return fail();
    if (++depth_ > kMaxNesting) return fail("nested too deeply");
    NodePtr node = compound();
    if (node) {
      while (redirect(*node)) {
      }
    } else {
      node = simple();
    }
    --depth_;
    return node;
  }

  // nullptr if a simple command stands here.
  NodePtr compound() {
    if (is("(")) {
      if (text_.substr(at_).starts_with("(") && bash_) {
        NodePtr arithmetic = arithmetic_command();
        // `((a) | b)`: bash first takes it for arithmetic, then may think again.
        return arithmetic ? std::move(arithmetic) : fail();
      }
      return enclosed(Kind::kSubshell, ")");
    }
    if (kind_ != TokenKind::kWord) return fail();
    if (token_ == "{") return enclosed(Kind::kGroup, "}");
    if (token_ == "if") return if_command();
    if (token_ == "while" || token_ == "until") {
      NodePtr node = make(token_ == "while" ? Kind::kWhile : Kind::kUntil);
      advance();
      node->children.push_back(full_list());
      expect("do");
      node->children.push_back(full_list());
      expect("done");
      return node;
    }
    if (token_ == "for") return for_command();
    if (token_ == "case") return case_command();
    static constexpr std::string_view kClosing = "then else elif fi do done esac } in";
    if (has_word(kClosing, token_) && token_ != "in") return fail();
    if (bash_ && token_ == "[[") return condition();
    if (bash_ && token_ == "function") {
      advance();
      return function_definition(std::string(token_));
    }
    if (token_ == "select" || token_ == "coproc" || token_ == "function" || token_ == "[[")
      return fail();
    if (text_.substr(at_).starts_with("(") || text_.substr(at_).starts_with(" (")) {
      auto at = text_.find('(', at_) + 1;
      while (at < text_.size() && is_blank(text_[at])) ++at;
      if (at < text_.size() && text_[at] == ')') return function_definition(std::string(token_));
    }
    return nullptr;
  }

  NodePtr enclosed(Kind kind, std::string_view close) {
    NodePtr node = make(kind);
    advance();
    node->children.push_back(full_list());
    expect(close);
    return node;
  }

  NodePtr if_command() {
    NodePtr node = make(Kind::kIf);
    do {
      advance();
      node->children.push_back(full_list());
      expect("then");
      node->children.push_back(full_list());
    } while (is_word("elif"));
    if (is_word("else")) {
      advance();
      node->children.push_back(full_list());
    }
    expect("fi");
    return node;
  }

  void body_of_for(Node& node) {
    if (is(";")) advance();
    while (is_newline()) advance();
    const bool braces = bash_ && is_word("{");
    expect(braces ? "{" : "do");
    node.children.push_back(full_list());
    expect(braces ? "}" : "done");
  }

  // for ((first; condition; step)) as a while with words {first, step}; at_ is behind a '('.
  NodePtr arithmetic_for() {
    const auto end = text_.find("))", at_);
    if (!text_.substr(at_).starts_with("(") || end == npos) return fail();
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    const auto first = inside.find(';');
    const auto second = first == npos ? npos : inside.find(';', first + 1);
    if (second == npos || inside.find_first_of("'\"`\\;\n", second + 1) != npos ||
        inside.substr(0, second).find_first_of("'\"`\\\n") != npos)
      return fail("a `for ((`");
    NodePtr node = make(Kind::kWhile);
    node->words = {std::string(inside.substr(0, first)), std::string(inside.substr(second + 1))};
    NodePtr condition = make(Kind::kArithmetic);
    condition->text = inside.substr(first + 1, second - first - 1);
    if (condition->text.find_first_not_of(" \t") == std::string::npos) condition->text = "1";
    node->children.push_back(std::move(condition));
    at_ = end + 2;
    advance();
    body_of_for(*node);
    return node;
  }

  NodePtr for_command() {
    NodePtr node = make(Kind::kFor);
    advance();
    if (is("(") && bash_) {
      return arithmetic_for();
    }
    node->text = token_;
    if (!is_name(token_)) return fail();
    advance();
    while (is_newline()) advance();
    if (is_word("in")) {
      node->listed = true;
      for (advance(); kind_ == TokenKind::kWord; advance()) node->words.emplace_back(token_);
      if (!is(";") && !is_newline()) return fail();
    }
    body_of_for(*node);
    return node;
  }

  NodePtr case_command() {
    NodePtr node = make(Kind::kCase);
    advance();
    if (kind_ != TokenKind::kWord) return fail();
    node->words.emplace_back(token_);
    advance();
    while (is_newline()) advance();
    expect("in");
    for (;;) {
      while (is_newline()) advance();
      if (!ok() || is_word("esac")) break;
      NodePtr clause = make(Kind::kClause);
      if (is("(")) advance();
      for (;;) {
        if (kind_ != TokenKind::kWord) return fail();
        clause->words.emplace_back(token_);
        advance();
        if (!is("|")) break;
        advance();
      }
      expect(")");
      clause->children.push_back(list());
      clause->text = ";;";
      if (kind_ == TokenKind::kOperator && token_.starts_with(";") && token_ != ";") {
        clause->text = token_;
        advance();
      } else if (!is_word("esac")) {
        return fail();
      }
      node->children.push_back(std::move(clause));
    }
    expect("esac");
    return node;
  }

  NodePtr function_definition(std::string name) {
    NodePtr node = make(Kind::kFunction);
    if (name.empty() || name.find_first_of("$`'\"\\=/*?[") != npos) return fail();
    node->text = std::move(name);
    advance();
    if (is("(")) {
      advance();
      expect(")");
    }
    while (is_newline()) advance();
    if (++depth_ > kMaxNesting) return fail("nested too deeply");
    NodePtr body = compound();
    --depth_;
    if (!body) return fail();
    while (redirect(*body)) {
    }
    node->children.push_back(std::move(body));
    return node;
  }

  // (( … )), if it is that.
  NodePtr arithmetic_command() {
    // As "$((": the same text with a character before it.
    if (at_ < 2 && at_ != 1) return nullptr;
    const std::string as_expansion = "$(" + std::string(text_.substr(at_));
    const auto end = skip_expansion(as_expansion, 0, bash_, depth_);
    if (end == npos || !as_expansion.substr(0, end).ends_with("))")) return nullptr;
    NodePtr node = make(Kind::kArithmetic);
    node->text = as_expansion.substr(3, end - 5);
    line_ += static_cast<int>(std::count(node->text.begin(), node->text.end(), '\n'));
    at_ += end - 2;
    advance();
    return node;
  }

  NodePtr condition() {
    NodePtr node = make(Kind::kCondition);
    bool pattern = false;  // a pattern or regular expression comes: parentheses belong to it
    for (;;) {
      while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == '\n')) {
        if (text_[at_] == '\n') ++line_;
        ++at_;
      }
      if (pattern) {
        const auto begin = at_;
        int open = 0;
        while (at_ < text_.size()) {
          const char c = text_[at_];
          if (open == 0 && (is_blank(c) || c == '\n' || c == '&' || c == ')')) break;
          if (c == '(') ++open;
          if (c == ')') --open;
          if (c == '\'' || c == '"') {
            at_ = skip_quoted(text_, at_, bash_, depth_);
          } else if (c == '$' || c == '`') {
            at_ = skip_expansion(text_, at_, bash_, depth_);
          } else {
            at_ += c == '\\' ? 2 : 1;
          }
          if (at_ == npos || at_ > text_.size()) {
            at_ = text_.size();
            return fail("something that is not closed");
          }
        }
        node->words.emplace_back(text_.substr(begin, at_ - begin));
        pattern = false;
        continue;
      }
      advance();
      if (kind_ > TokenKind::kOperator || !ok()) return fail();
      if (is_word("]]")) break;
      node->words.emplace_back(token_);
      pattern = token_ == "==" || token_ == "=" || token_ == "!=" || token_ == "=~";
    }
    advance();
    return node;
  }

  NodePtr simple() {
    NodePtr node = make(Kind::kSimple);
    while (ok()) {
      if (redirect(*node)) continue;
      if (kind_ != TokenKind::kWord) break;
      if (node->assignments == node->words.size() && assignment_value(token_) != npos)
        ++node->assignments;
      node->words.emplace_back(token_);
      const bool next_redirects =
          at_ < text_.size() && (text_[at_] == '<' || text_[at_] == '>') && token_.starts_with("{");
      if (bash_ && next_redirects) return fail("a redirection to a named descriptor");
      advance();
    }
    if (is("(")) return fail();
    if (ok() && node->words.empty() && node->redirects.empty()) return fail();
    return node;
  }

  std::string_view text_;
  std::size_t at_;
  int line_;
  bool bash_;
  int depth_;
  TokenKind kind_ = TokenKind::kEnd;
  std::string_view token_;
  int token_line_ = 1;
  int fd_ = -1;
  std::vector<HereDocument> pending_;
  std::string error_;
};

}  // namespace

std::size_t skip_substitution(std::string_view text, std::size_t at, bool bash, int depth) {
  return Parser(text, at, 1, bash, depth).end_of_substitution();
}

std::vector<std::string> array_words(std::string_view text) {
  return Parser(text, 0, 1, true, 0).words();
}

std::unique_ptr<Node> parse(std::string_view text, int first_line, bool bash) {
  return Parser(text, 0, first_line, bash, 0).script();
}

}  // namespace gpuinit::image::shell
