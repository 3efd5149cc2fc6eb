// image.readable: what the image has could be read.
#include <algorithm>

#include "checks/check.h"
#include "checks/finding_builder.h"
#include "checks/image_unread.h"

namespace gpuinit::checks {

namespace {

constexpr std::string_view kId = "image.readable";

const Unread* first_failed(const ImageFacts& image) {
  const auto failed = std::ranges::find(image.unread, false, &Unread::own_limit);
  return failed == image.unread.end() ? nullptr : &*failed;
}

// Whether the command opens it: an interpreter, torch or their libraries are unknown for its sake.
bool is_surely_loaded(const ImageFacts& image, const Unread& unread) {
  const auto is_because = [&](const std::string& reason) {
    return reason.find(unread.path) != std::string::npos;
  };
  const auto lies_in = [&](const std::string& directory) {
    return !directory.empty() && unread.path.starts_with(directory + "/");
  };
  if (!image.loader && is_because(image.loader.reason())) return true;
  if (!image.interpreter && is_because(image.interpreter.reason())) return true;
  if (image.interpreter && !image.interpreter->version &&
      is_because(image.interpreter->version.reason()))
    return true;
  if (image.torch && lies_in(image.torch->path)) return true;
  return image.loader && std::ranges::any_of(image.loader->libraries, [&](const auto& library) {
           return library.path == unread.path;
         });
}

bool rests_on_image(const Check& check) {
  return check.exit_codes.find("65") != std::string_view::npos ||
         check.exit_codes.find("66") != std::string_view::npos;
}

bool is_of_image(const Finding& finding) {
  for (const int code : {kExitImage, kExitFit, kExitNotExecutable, kExitNotFound})
    if (finding.exit_code == code) return true;
  return finding.severity == Severity::kWarn;
}

Findings run(const Context& context) {
  const ImageFacts& image = context.image;
  if (image.unread.empty()) return {};
  const Unread* const failed = first_failed(image);
  if (failed == nullptr) {
    const Unread& first = image.unread.front();
    Finding finding =
        unknown("not all of the image was looked at", joined({first.path, ": ", first.why}));
    for (const Unread& one : image.unread) add_evidence(finding, "not read", one.why, one.path);
    return finding;
  }
  Finding finding = unknown("", why_image_is_unread(image));
  finding.summary = finding.reason;
  for (const Unread& one : image.unread) add_evidence(finding, "not read", one.why, one.path);
  finding.why =
      "What is not read is neither missing nor damaged, so nothing is said of it. The command "
      "would meet the same error where it opens that file.";
  finding.fix =
      "Look at what the file lies on: the node's disk (dmesg, df), the registry and the "
      "snapshotter where images are pulled lazily (stargz, SOCI, nydus), the NFS server. Then "
      "start again, on another node if it stays. \"Too many open files\": raise `ulimit -n`.";
  const bool needed = std::ranges::any_of(image.unread, [&](const Unread& one) {
    return !one.own_limit && is_surely_loaded(image, one);
  });
  if (needed) {
    finding.severity = Severity::kFail;
    finding.exit_code = kExitNotReady;
    finding.reason.clear();
  }
  return finding;
}

}  // namespace

std::string why_image_is_unread(const ImageFacts& image) {
  const Unread* const failed = first_failed(image);
  if (failed == nullptr) return "";
  return joined({"the image could not be read: ", failed->path, ": ", failed->why});
}

bool withhold(const Check& check, const std::string& unread, Findings& findings) {
  if (check.id == kId) return false;
  bool failed = false;
  const bool rests = rests_on_image(check);
  if (findings.empty() && rests) {
    findings.push_back(unknown("not all was looked at", unread));
    return false;
  }
  for (Finding& finding : findings) {
    // A pin that the policy does not have is none, whatever the image is.
    const bool says_nothing = finding.severity == Severity::kSkipped &&
                              (rests || check.needs_gpu) && !check.id.starts_with("expect.");
    const bool decided = finding.severity == Severity::kFail || finding.severity == Severity::kWarn;
    if (!says_nothing && !(decided && rests && is_of_image(finding))) continue;
    failed |= finding.severity == Severity::kFail;
    add_evidence(finding, "not told", finding.summary);
    finding.severity = Severity::kUndecided;
    finding.exit_code = kExitGood;
    finding.summary = joined({"cannot be told, since ", unread});
    finding.reason = unread;
    finding.why.clear();
    finding.fix.clear();
  }
  return failed;
}

void stop_for_unread(std::vector<Finding>& findings, const Context& context) {
  const auto own = std::ranges::find(findings, kId, &Finding::id);
  if (own == findings.end() || own->severity != Severity::kUndecided) return;
  own->severity = context.level(kId) == Level::kWarn ? Severity::kWarn : Severity::kFail;
  own->exit_code = kExitNotReady;
  own->reason.clear();
}

extern constexpr Check kImageReadable{
    .id = kId,
    .exit_codes = "75",
    .title = "files of the image cannot be read",
    .looks_at =
        "Every error of storage (EIO, ESTALE, ETIMEDOUT, ...) and every lack of descriptors or "
        "memory that was met twice while the image was read, and every upper limit of gpuinit's "
        "own that was reached. While there is such an error, no other check says that something "
        "is missing or wrong. It stops where one would have, or where the interpreter, torch or "
        "a library of theirs is what cannot be read; otherwise it is unknown. An own limit never "
        "stops.",
    .why =
        "Lazily pulled images, NFS and dying disks fail for single files and for a while: "
        "\"OSError: [Errno 5] Input/output error\", \"cannot open shared object file\".",
    .fix =
        "Look at the node's storage, the registry or the NFS server, and start again; on another "
        "node if it stays.",
    .run = run,
};

}  // namespace gpuinit::checks
