// See report_text.h.
#include "report/report_text.h"

#include <algorithm>
#include <cmath>

#include "base/decimal.h"
#include "base/text.h"
#include "gpuinit/exit_codes.h"
#include "report/explain.h"
#include "report/layout.h"

namespace gpuinit::report {

namespace {

constexpr std::size_t kIndent = 4;
// Of a headline's further lines: where no label of kIndent stands, so that no name with blanks in
// it, broken at the right place, passes for one.
constexpr std::size_t kHang = 9;

// On a terminal narrower than this the values of evidence stand under their labels; elsewhere those
// do that would not fit beside them, such as long paths.
constexpr std::size_t kNarrow = 60;
constexpr std::size_t kStackedIndent = 8;
// Of the column of values: narrower ones are not read.
constexpr std::size_t kNarrowestValue = 24;

// Columns that a column of values has to have for `value`.
std::size_t widest(std::string_view value) {
  std::size_t most = columns(value) < kNarrowestValue ? columns(value) : kNarrowestValue;
  for (const auto word : base::split_words(value)) most = std::max(most, columns(word));
  return most;
}

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// "7 ms", "0.4 ms", "2.3 s": two digits are enough to see what is slow.
std::string duration(double milliseconds) {
  if (milliseconds >= 1000) return base::one_decimal(milliseconds / 1000) + " s";
  if (milliseconds < 0.95) return base::one_decimal(milliseconds) + " ms";
  return std::to_string(std::llround(milliseconds)) + " ms";
}

// Some are names from the image, and none may look like "fix:".
std::string evidence_label(std::string_view label) {
  constexpr std::size_t kMaxLabel = 32;
  std::string text;
  for (const char c : base::printable(label, kMaxLabel))
    if (c == ':') text += "\\x3a";
    else text += c;
  return text;
}

class TextReport {
 public:
  explicit TextReport(const ReportInput& input)
      : input_(input), options_(input.options), ids_of_cause_(input.findings.size()) {
    const auto first = first_of_cause(input.findings);
    for (std::size_t i = 0; i < first.size(); ++i) {
      auto& ids = ids_of_cause_[first[i]];
      const std::string& id = input.findings[i].id;
      if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
  }

  std::string write() {
    const bool failed = input_.verdict.word == Verdict::Word::kFail;
    if (options_.quiet && !failed) return "";
    add_findings(Severity::kFail);
    if (!options_.quiet) add_findings(Severity::kWarn);
    if (options_.verbose) {
      add_findings(Severity::kAccepted);
      add_findings(Severity::kUndecided);
      add_findings(Severity::kSkipped);
      add_sandbox();
      add_timings();
    }
    if (failed) add_failed_line();
    else add_good_line();
    return std::move(text_);
  }

 private:
  std::size_t count(Severity severity) const {
    return static_cast<std::size_t>(
        std::ranges::count(input_.findings, severity, &Finding::severity));
  }

  // The findings that decide the exit code first, otherwise in their order.
  void add_findings(Severity severity) {
    const auto decides = [&](const Finding& finding) {
      return finding.exit_code == input_.verdict.exit_code;
    };
    for (const bool deciding : {true, false})
      for (const auto& finding : input_.findings)
        if (finding.severity == severity && decides(finding) == deciding &&
            !ids_of_cause(finding).empty())
          add_finding(finding);
  }

  // The ids of all that is undecided, or skipped, for the reason of this one; empty if another
  // finding tells it.
  const std::vector<std::string>& ids_of_cause(const Finding& finding) const {
    return ids_of_cause_[static_cast<std::size_t>(&finding - input_.findings.data())];
  }

  std::string headline(const Finding& finding) const {
    std::string word;
    switch (finding.severity) {
      case Severity::kFail:
        word = coloured("FAIL", Colour::kRed, options_.colour);
        break;
      case Severity::kWarn:
        word = coloured("warning", Colour::kYellow, options_.colour);
        break;
      default:
        word = word_of(finding.severity);
    }
    return "gpuinit: " + word + " " +
           coloured(base::printable(finding.id, 80), Colour::kBold, options_.colour) + ": ";
  }

  void add_finding(const Finding& finding) {
    text_ += wrapped(headline(finding), finding.summary, kHang, options_.width);
    const auto& ids = ids_of_cause(finding);
    add_paragraph("and", base::join_with({ids.begin() + 1, ids.end()}, " "));
    const bool decided = finding.severity == Severity::kFail || finding.severity == Severity::kWarn;
    if (!decided && !options_.verbose) return;
    add_evidence(finding);
    add_paragraph("why", finding.why);
    add_paragraph("fix", finding.fix);
    if (decided)
      text_ += std::string(kIndent, ' ') + "more: gpuinit --explain " +
               base::printable(finding.id, 80) + "\n";
  }

  void add_evidence(const Finding& finding) {
    std::size_t label_width = 0;
    for (const auto& [key, label, value] : finding.evidence)
      label_width = std::max(label_width, columns(evidence_label(label)));
    const std::size_t start = kIndent + label_width + 2;
    for (const auto& [key, label, value] : finding.evidence) {
      const bool is_stacked = options_.width != kUnbroken &&
                              (options_.width < kNarrow || start + widest(value) > options_.width);
      std::string first = std::string(kIndent, ' ');
      if (is_stacked) first += evidence_label(label) + "\n" + std::string(kStackedIndent, ' ');
      else first += padded(evidence_label(label), label_width) + "  ";
      text_ += wrapped(first, value, is_stacked ? kStackedIndent : start, options_.width);
    }
  }

  void add_paragraph(const std::string& label, const std::string& body) {
    if (body.empty()) return;
    const std::string start = std::string(kIndent, ' ') + label + ": ";
    text_ += wrapped(start, body, columns(start), options_.width);
  }

  // How far the probe was held, and what it tried.
  void add_sandbox() {
    const auto& run = input_.facts.node.probe;
    if (!run || run->sandbox.empty()) return;
    std::string words = base::printable(run->sandbox);
    const auto add = [&words](const char* what, const std::vector<std::string>& calls) {
      if (calls.empty()) return;
      words += std::string("; ") + what + ": " + base::printable(base::join_with(calls, ", "));
    };
    add("refused", run->refused_calls);
    add("not expected, let through", run->unexpected_calls);
    text_ += wrapped("gpuinit: the probe's sandbox: ", words, kHang, options_.width);
  }

  void add_timings() {
    std::vector<std::string> parts;
    for (const auto& [name, milliseconds] : input_.timings)
      parts.push_back(base::printable(name, 40) + " " + duration(milliseconds));
    if (parts.empty()) return;
    text_ += wrapped("gpuinit: time: ", base::join_with(parts, ", "), kHang, options_.width);
  }

  // "5 undecided: not in the node file, and 1 other reason": the reason of the most; their ids are
  // for --verbose. "" if everything was decided.
  std::string undecided() const {
    std::size_t checks = 0;
    std::size_t reasons = 0;
    const Finding* most = nullptr;
    for (const auto& finding : input_.findings) {
      if (finding.severity != Severity::kUndecided || ids_of_cause(finding).empty()) continue;
      ++reasons;
      checks += ids_of_cause(finding).size();
      if (most == nullptr || ids_of_cause(finding).size() > ids_of_cause(*most).size())
        most = &finding;
    }
    if (most == nullptr) return "";
    const std::string& reason = most->reason.empty() ? most->summary : most->reason;
    return std::to_string(checks) + " undecided: " + base::printable(reason, 80) +
           (reasons > 1 ? " and " + plural(reasons - 1, "other reason") : "");
  }

  // What ran on what, on one line whatever the width: it is read by grep too.
  void add_good_line() {
    std::vector<std::string> parts;
    for (auto part : {summary_of(input_.facts), guess_of(input_.facts.image), undecided()})
      if (!part.empty()) parts.push_back(std::move(part));
    for (const auto& [name, milliseconds] : input_.timings)
      if (name == "total") parts.push_back(duration(milliseconds));
    text_ += "gpuinit: " + coloured("ok", Colour::kGreen, options_.colour);
    if (const auto warnings = count(Severity::kWarn); warnings != 0)
      text_ += " with " + plural(warnings, "warning");
    if (!parts.empty()) text_ += ": " + base::join_with(parts, ", ");
    text_ += '\n';
  }

  void add_failed_line() {
    const int code = input_.verdict.exit_code;
    std::string counts = plural(count(Severity::kFail), "failure");
    if (const auto warnings = count(Severity::kWarn); warnings != 0)
      counts += ", " + plural(warnings, "warning");
    std::string body = "exit code " + std::to_string(code);
    for (const auto& info : kExitCodes) {
      if (info.code != code) continue;
      body += ": " + std::string(info.meaning) + ". " + retry_words(info);
    }
    text_ += wrapped(
        "gpuinit: " + coloured("stopped", Colour::kRed, options_.colour) + " (" + counts + "), ",
        body, kHang, options_.width);
  }

  const ReportInput& input_;
  const ReportOptions& options_;
  std::vector<std::vector<std::string>> ids_of_cause_;  // as input_.findings
  std::string text_;
};

}  // namespace

std::string report_text(const ReportInput& input) { return TextReport(input).write(); }

}  // namespace gpuinit::report
