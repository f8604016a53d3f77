#include "common/observe/log.hpp"

#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>

#include "common/observe/line.hpp"

namespace drover::log {
namespace {

constexpr std::size_t kPendingMax = 8192;

// What a session opened. Written while only its maker's thread runs.
struct Open {
  std::shared_ptr<spdlog::details::thread_pool> writer;
  std::shared_ptr<spdlog::async_logger> logger;
  std::string service;
  bool json = false;
  bool colour = false;
};
std::unique_ptr<Open> open;
std::atomic<Level> threshold{Level::off};

Level level_named(std::string_view name) {
  for (auto level = Level::trace; level <= Level::off;
       level = Level{std::uint8_t(int(level) + 1)}) {
    if (name == name_of(level)) return level;
  }
  return Level::info;
}

// The writer takes no signals: they are for the threads that wait for them, and one for a reader
// of stderr who has gone (SIGPIPE) must not end the process.
void take_no_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

Instant now() {
  using namespace std::chrono;
  return Instant(duration_cast<Duration>(system_clock::now().time_since_epoch()));
}

void hand_over(const Source& source, std::string_view message, std::span<const Field> fields) {
  const auto line =
      open->json ? json_line(source, message, fields) : text_line(source, message, fields);
  open->logger->log(spdlog::level::critical, line);
}

std::span<const Field> as_span(Fields fields) { return {fields.begin(), fields.size()}; }

}  // namespace

Session::Session(const Options& options) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const char* no_colour = std::getenv("NO_COLOR");
  open = std::make_unique<Open>();
  open->service = options.service;
  open->json = options.format == "json" || (options.format != "text" && !terminal);
  open->colour = terminal && (no_colour == nullptr || *no_colour == '\0');
  open->writer = std::make_shared<spdlog::details::thread_pool>(kPendingMax, 1, take_no_signals);
  open->logger = std::make_shared<spdlog::async_logger>(
      options.service, std::make_shared<spdlog::sinks::stderr_sink_mt>(), open->writer,
      spdlog::async_overflow_policy::overrun_oldest);
  open->logger->set_pattern("%v");
  threshold = level_named(options.level);
}

Session::~Session() {
  threshold = Level::off;
  if (const auto lost = open->writer->overrun_counter(); lost > 0) {
    const Field count("lines", lost);
    hand_over({now(), Level::warn, open->service, getpid(), open->colour},
              "stderr did not keep up; lines of the log were lost", {&count, 1});
  }
  open.reset();
}

bool wants(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view message, Fields fields) {
  if (level == Level::off || !wants(level)) return;
  hand_over({now(), level, open->service, getpid(), open->colour}, message, as_span(fields));
}

void failure(std::string_view message, const Error& why) {
  if (why.field.empty()) {
    error(message, {{"code", drover::name_of(why.code)}, {"reason", why.message}});
  } else {
    error(message,
          {{"code", drover::name_of(why.code)}, {"reason", why.message}, {"field", why.field}});
  }
}

}  // namespace drover::log
