#include "cli/context.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/files/waker.hpp"
#include "drover_version.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr Duration kPatience = 1s;  // before a person is told that we wait

const files::Waker& stop_waker() {
  static const auto& waker = *new files::Waker;  // a signal may come until the very end
  return waker;
}

std::atomic<int> stop_signal{0};
std::atomic<int> stop_count{0};

// Only what a signal handler may do.
void on_signal(int number) {
  stop_signal = number;
  ++stop_count;
  stop_waker().wake();
}

std::string in_a_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Who was refused gets to know why; who found nobody, that.
Error unreachable(const ClientOptions& options, const std::string& trouble) {
  const auto nobody =
      fmt::format("no broker answered at {} within {}", options.url, to_string(options.timeout));
  const auto refused = fmt::format("no connection to {}: {}", options.url, trouble);
  return {Errc::broker_unavailable, trouble.empty() ? nobody : refused,
          trouble.empty() ? "" : "security"};
}

// What a person may try next.
std::string hint_for(const Error& error) {
  if (error.field == "security") return "";
  if (error.code == Errc::broker_unavailable) return "Is it running? `drover up` starts one.";
  if (error.code == Errc::queue_full) return "`drover queue list` shows what is in it.";
  if (error.code == Errc::store_damaged) return "`drover doctor --repair` saves what is whole.";
  if (error.code == Errc::store_in_use)
    return "Is its broker running? Stop it, or look at a copy (`drover backup`).";
  return "";
}

}  // namespace

// --- signals

void Context::take_signals() {
  stop_waker();  // made before a handler needs it
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  signal(SIGPIPE, SIG_DFL);  // `drover watch | head` ends when head does
}

int Context::stop_fd() { return stop_waker().fd(); }
int Context::interruptions() { return stop_count; }
int Context::interrupted_code() { return 128 + stop_signal; }

bool Context::pause(Duration duration) {
  stop_waker().wait(static_cast<int>(std::clamp<std::int64_t>(duration.count(), 0, 86'400'000)));
  return is_interrupted();
}

// --- settings and client

Result<config::Loaded> Context::settings(std::vector<config::Override> overrides) {
  const auto environment = config::process_environment();
  if (url) overrides.push_back({"client.url", *url, "--url"});
  auto loaded = config::load_settings(config::find_settings_file(config_file, environment),
                                      environment, overrides);
  if (!loaded) return loaded.error();
  if (!std::exchange(warned_, true)) {
    for (const auto& warning : loaded->warnings) warn(warning);
  }
  return loaded;
}

ClientOptions client_options(const config::Settings& settings) {
  ClientOptions options;
  options.url = settings.client.url;
  const auto& security = settings.security;
  options.keys = {security.key_file, security.server_key, security.server_key_file};
  options.timeout = settings.client.timeout;
  options.software = fmt::format("drover/{}", kVersion);
  options.stop_fd = Context::stop_fd();
  return options;
}

Result<Client> Context::client() {
  const auto loaded = settings();
  if (!loaded) return loaded.error();
  const auto options = client_options(loaded->settings);
  auto client = Client::open(options);
  if (!client) return client.error();
  auto greeted = client->connect(std::min(kPatience, options.timeout));
  const bool wait = !greeted && greeted.error().code == Errc::broker_unavailable;
  if (wait && client->trouble().empty() && options.timeout > kPatience) {
    StatusLine line(terminal, quiet);
    line.show(fmt::format("waiting for the broker at {} ...", options.url));
    greeted = client->connect(options.timeout - kPatience);
  }
  if (!greeted && greeted.error().code == Errc::broker_unavailable) {
    return unreachable(options, client->trouble());
  }
  if (!greeted) return greeted.error();
  return client;
}

// --- saying

void Context::print(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void Context::print(const Table& table) const {
  const auto text = table.text(terminal);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Context::print_json(const nlohmann::json& value) const { print(in_a_line(value)); }

void Context::note(std::string_view text) const {
  if (!quiet && !json) fmt::print(stderr, "{}\n", text);
}

void Context::warn(std::string_view text) const {
  if (quiet) return;
  if (json) return fmt::print(stderr, "{}\n", in_a_line({{"warning", text}}));
  fmt::print(stderr, "{} {}\n", terminal.err.paint(Colour::yellow, "warning:"), text);
}

void Context::print_list(const nlohmann::json& list, const Table& table,
                         std::string_view none) const {
  if (json) return print_json(list);
  table.empty() ? note(none) : print(table);
}

int Context::fail(const Error& error) const {
  const bool by_user = error.code == Errc::cancelled && is_interrupted();
  return by_user ? interrupted_code() : fail(error, json::object());
}

int Context::fail(const Error& error, const nlohmann::json& about) const {
  const bool by_user = error.code == Errc::cancelled && is_interrupted();
  const int code = by_user ? interrupted_code() : exit_code_of(error.code);
  if (json) {
    auto line = error_json(error);
    line.update(about);
    fmt::print(stderr, "{}\n", in_a_line(line));
    return code;
  }
  auto text = error.message;
  if (text.empty()) text = name_of(error.code);
  if (!text.ends_with('.') && !text.ends_with('?')) text += '.';
  if (const auto hint = hint_for(error); !hint.empty()) text += " " + hint;
  fmt::print(stderr, "{} {}\n", terminal.err.paint(Colour::red, "drover:"), text);
  return code;
}

nlohmann::json error_json(const Error& error) {
  json inner = {{"code", name_of(error.code)}, {"message", error.message}};
  if (!error.field.empty()) inner["field"] = error.field;
  if (error.retry_after > Duration(0)) inner["retry_after_ms"] = error.retry_after.count();
  return json{{"error", std::move(inner)}};
}

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::ok: return kOk;
    case Errc::broker_unavailable: return kUnreachable;
    case Errc::not_found: return kNotFound;
    case Errc::wait_timed_out: return kWaitTimedOut;
    case Errc::invalid_argument:
    case Errc::bad_id:
    case Errc::bad_name:
    case Errc::message_too_large:
    case Errc::payload_too_large:
    case Errc::batch_too_large:
    case Errc::too_deep:
    case Errc::too_many_elements:
    case Errc::bad_cursor:
    case Errc::bad_configuration: return kUsage;
    case Errc::store_damaged: return kStoreDamaged;
    case Errc::store_in_use: return kStoreInUse;
    case Errc::store_too_new: return kStoreTooNew;
    default: return kFailed;
  }
}

Instant system_now() {
  return Instant(
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

std::optional<Instant> parse_since(const std::string& text) {
  if (const auto span = parse_duration(text)) return system_now() - *span;
  const auto at = parse_rfc3339(text);
  return at ? std::optional(*at) : std::nullopt;
}

Result<TaskId> parse_task_id(const std::string& text) {
  const auto parsed = parse_uuid(text);
  if (parsed) return TaskId{*parsed};
  return Error{Errc::bad_id, fmt::format("'{}' is no task id", text), "id"};
}

Result<std::vector<TaskId>> parse_task_ids(const std::vector<std::string>& texts) {
  std::vector<TaskId> ids;
  for (const auto& text : texts) {
    const auto id = parse_task_id(text);
    if (!id) return id.error();
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace drover::cli
