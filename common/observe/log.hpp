// The log: one line an event, on stderr. Text on a terminal, a JSON object a line otherwise.
//
//   const log::Session logging({.service = "drover-broker", .level = "info", .format = "auto"});
//   log::info("the broker is ready", {{"clients", address}, {"waiting", 12}});
//
//   2026-11-20T07:00:00.123Z info  drover-broker  the broker is ready clients=tcp://... waiting=12
//   {"ts":"2026-11-20T07:00:00.123Z","level":"info","service":"drover-broker","pid":7,
//    "message":"the broker is ready","clients":"tcp://...","waiting":12}
//
// What varies goes into fields, so that lines of one kind can be found. Control characters are
// escaped and texts cut at 1 KiB. Payloads, results and secrets are never logged.
//
// Any thread may log; nobody waits for stderr: lines are written by a thread of their own, and when
// it falls 8,192 lines behind the oldest give way. Before a Session and after it nothing is
// written.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace drover::log {

enum class Level : std::uint8_t { trace, debug, info, warn, error, off };

// A key and a value that live until the call returns.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  Field(std::string_view k, Duration v) : key(k), value(std::int64_t{v.count()}) {}  // in ms
  template <std::signed_integral T>
  Field(std::string_view k, T v) : key(k), value(std::int64_t{v}) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view k, T v)
      : key(k), value(std::uint64_t{v}) {}

  std::string_view key;  // a word of ours, such as `task`; durations end in _ms
  Value value;
};

using Fields = std::initializer_list<Field>;

struct Options {
  std::string service;          // who speaks: drover-broker
  std::string level = "info";   // trace, debug, info, warn, error or off
  std::string format = "auto";  // auto, text or json
};

// The log is open while a session lives; its end writes out what is pending. One at a time, made
// before the threads that log and ended after them. An unknown level or format counts as the
// default: settings are checked where they are read.
class Session {
 public:
  explicit Session(const Options& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

// True if a line of that level would be written: asks before costly fields are made.
bool wants(Level level);

void write(Level level, std::string_view message, Fields fields = {});

inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::error, message, fields);
}

// An error as a line of level error: its code, its message and the field at fault.
void failure(std::string_view message, const Error& why);

}  // namespace drover::log
