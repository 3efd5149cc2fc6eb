#include "base/log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>

#include "base/standard_error.h"
#include "base/text.h"

namespace gpuinit::base {

namespace {

constexpr std::size_t kMaxLine = 8192;

// spdlog's pattern formatter (and the locale it needs) stays out of the binary.
class StderrSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    using std::chrono::duration;
    const double since_start =
        duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
    if (says_in_json())
      return write_event("log",
                         {{"ms", std::round(since_start * 1000) / 1000},
                          {"message", std::string(message.payload.data(),
                                                  std::min(message.payload.size(), kMaxLine))}});
    std::string line = fmt::format("gpuinit [{:.3f} ms] ", since_start);
    line += printable({message.payload.data(), message.payload.size()}, kMaxLine) + "\n";
    write_stderr(line);
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
