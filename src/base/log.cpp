#include "base/log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/decimal.h"
#include "base/standard_error.h"
#include "base/text.h"

namespace gpuinit::base {

namespace {

constexpr std::size_t kMaxLine = 8192;

// spdlog's pattern formatter (and the locale it needs) stays out of the binary, and so does fmt's
// floating point: 25 KB.
class StderrSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    const auto since_start = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start_);
    const auto microseconds = static_cast<std::uint64_t>(since_start.count());
    if (says_in_json())
      return write_event("log",
                         {{"ms", static_cast<double>(microseconds) / 1000},
                          {"message", std::string(message.payload.data(),
                                                  std::min(message.payload.size(), kMaxLine))}});
    write_stderr("gpuinit [" + thousandths(microseconds) + " ms] " +
                 printable({message.payload.data(), message.payload.size()}, kMaxLine) + "\n");
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Never destroyed: exec and _exit run no destructors either.
spdlog::logger* logger = nullptr;

}  // namespace

void enable_verbose_log() {
  if (logger != nullptr) return;
  logger = new spdlog::logger("gpuinit", std::make_shared<StderrSink>());
  logger->set_level(spdlog::level::debug);
}

bool verbose_log_enabled() { return logger != nullptr; }

void log_verbose(std::string_view message) {
  if (logger != nullptr) logger->debug(message);
}

}  // namespace gpuinit::base
