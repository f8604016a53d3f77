// How a log line is spelled, as text and as JSON. Pure: the time and the place come as arguments.
//
// Both spellings are one line whatever the texts hold: control characters, and bytes that are no
// UTF-8, are escaped, and texts longer than 1 KiB are cut at a character's edge and end in "...".
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/observe/log.hpp"

namespace drover::log {

inline constexpr std::size_t kTextMax = 1024;

std::string_view name_of(Level level);

// Who logs, and when.
struct Source {
  Instant at;
  Level level = Level::info;
  std::string_view service;
  int pid = 0;
  bool colour = false;  // of the level's word in text, for a terminal
};

// "<time> info  drover-broker  the broker is ready clients=... waiting=12". A text value is quoted
// when it holds spaces, quotes or =, or is empty.
std::string text_line(const Source& source, std::string_view message,
                      std::span<const Field> fields);

// {"ts":...,"level":...,"service":...,"pid":...,"message":...,fields...}
std::string json_line(const Source& source, std::string_view message,
                      std::span<const Field> fields);

}  // namespace drover::log
