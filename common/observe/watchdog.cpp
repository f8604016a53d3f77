#include "common/observe/watchdog.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "common/observe/service_manager.hpp"

namespace drover::observe {
namespace {

// The number in an environment variable; 0 if it is missing or no number.
std::int64_t number_in(const char* name) {
  const char* text = std::getenv(name);
  if (!text) return 0;
  const char* end = text + std::strlen(text);
  std::int64_t number = 0;
  const auto read = std::from_chars(text, end, number);
  return read.ec == std::errc{} && read.ptr == end ? number : 0;
}

bool is_meant() { return !std::getenv("WATCHDOG_PID") || number_in("WATCHDOG_PID") == getpid(); }

}  // namespace

Watchdog::Watchdog() {
  const std::chrono::microseconds asked(number_in("WATCHDOG_USEC"));
  if (asked.count() <= 0 || !is_meant()) return;
  every_ = std::max(Duration(1), std::chrono::duration_cast<Duration>(asked / 2));
  next_ = Instant{};  // the first turn says it
}

void Watchdog::say(Instant now) {
  notify_service_manager("WATCHDOG=1");
  next_ = now + every_;
}

}  // namespace drover::observe
