#include "workers/engines/exec_output.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/utf8.hpp"
#include "common/task/task_spec.hpp"
#include "workers/engines/json.hpp"

namespace drover::workers {
namespace {

using nlohmann::json;

std::string_view trimmed(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
}

// The last `max` bytes, from a line's beginning where one is near.
std::string_view last_bytes(std::string_view text, std::size_t max) {
  text = trimmed(text);
  if (text.size() <= max) return text;
  text.remove_prefix(text.size() - max);
  const auto line = text.find('\n');
  if (line != std::string_view::npos && line < max / 4) text.remove_prefix(line + 1);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xc0) == 0x80) {
    text.remove_prefix(1);
  }
  return text;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

constexpr double kUsdMax = 1e9;  // of one attempt; more is a mistake, and too much for an integer

// A number that is at least 0; 0 if there is none.
double number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  const double number = found != object.end() && found->is_number() ? found->get<double>() : 0;
  return std::clamp(number, 0.0, 1e15);
}

Usage usage_of(const json& object) {
  Usage usage;
  usage.input_tokens = static_cast<std::uint64_t>(number_of(object, "input_tokens"));
  usage.output_tokens = static_cast<std::uint64_t>(number_of(object, "output_tokens"));
  const double usd = std::min(number_of(object, "cost_usd"), kUsdMax);
  usage.cost_micro_usd = static_cast<std::uint64_t>(std::llround(usd * 1e6));
  return usage;
}

bool exited(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

bool is_fatal(const ExitCodes& codes, int status) {
  return WIFEXITED(status) && codes.is_fatal(WEXITSTATUS(status));
}

}  // namespace

std::string describe_status(int status) {
  if (WIFEXITED(status)) return fmt::format("exit code {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return fmt::format("signal {} ({})", signal, strsignal(signal));
}

void ExecOutput::take_stderr(std::string_view bytes) {
  stderr_.append(bytes);
  if (stderr_.size() > 2 * kStderrTail) stderr_.erase(0, stderr_.size() - kStderrTail);
}

void ExecOutput::take_stdout(std::string_view bytes) {
  if (overflowed_) return;
  stdout_.append(bytes);
  if (recipe_.output == ExecOutputMode::lines) take_lines();
  overflowed_ = stdout_.size() > recipe_.output_max;
  if (overflowed_) std::string().swap(stdout_);
}

void ExecOutput::take_lines() {
  std::size_t begin = 0;
  for (auto end = stdout_.find('\n'); end != std::string::npos; end = stdout_.find('\n', begin)) {
    take_line(std::string_view(stdout_).substr(begin, end - begin));
    begin = end + 1;
  }
  stdout_.erase(0, begin);
}

void ExecOutput::take_line(std::string_view line) {
  if (trimmed(line).empty()) return;
  const auto said = parse_json(line);
  if (!said || !said->is_object()) {
    if (bad_line_.empty()) bad_line_ = "a line of its output is no JSON object";
    return;
  }
  if (said->contains("progress") || (said->contains("message") && !said->contains("error"))) {
    std::optional<std::uint32_t> percent;
    if (said->contains("progress")) {
      percent = static_cast<std::uint32_t>(std::min(number_of(*said, "progress"), 100.0));
    }
    progress_(percent, text_of(*said, "message"));
  }
  if (said->contains("result")) result_ = said->at("result").dump();
  if (said->contains("usage") && said->at("usage").is_object())
    usage_ = usage_of(said->at("usage"));
  if (!said->contains("error")) return;
  const json& error = said->at("error");
  error_ = Said{};
  if (error.is_string()) error_->message = error.get<std::string>();
  if (!error.is_object()) return;
  error_->code = text_of(error, "code");
  error_->message = text_of(error, "message");
  if (error.contains("retryable") && error["retryable"].is_boolean()) {
    error_->retryable = error["retryable"].get<bool>();
  }
  error_->retry_after = Duration(static_cast<std::int64_t>(number_of(error, "retry_after_ms")));
}

AttemptResult ExecOutput::conclude(int status) {
  if (recipe_.output == ExecOutputMode::lines && !overflowed_) {
    take_line(std::exchange(stdout_, {}));  // the last line may lack its newline
  }
  AttemptResult result;
  if (overflowed_) {
    const auto what = recipe_.output == ExecOutputMode::lines ? "in one line" : "to stdout";
    result = failure(
        Errc::output_too_large,
        fmt::format("the command wrote more than {} bytes {}", recipe_.output_max, what), false);
  } else if (error_ || !exited(status, 0)) {
    result = told_failure(status);
  } else if (!bad_line_.empty()) {
    result = failure(Errc::bad_output, bad_line_, false);
  } else {
    result = completed();
  }
  result.usage = usage_;
  return result;
}

AttemptResult ExecOutput::completed() {
  AttemptResult result;
  if (recipe_.output == ExecOutputMode::lines) {
    result.result = result_ ? std::move(*result_) : "null";
    result.content_type = "application/json";
    return result;
  }
  result.content_type = is_json(stdout_)   ? "application/json"
                        : is_utf8(stdout_) ? "text/plain; charset=utf-8"
                                           : "application/octet-stream";
  result.result = std::move(stdout_);
  return result;
}

// The command's own words where it has some, otherwise how it ended.
AttemptResult ExecOutput::told_failure(int status) const {
  const bool retryable = !is_fatal(recipe_.exit_codes, status);
  if (!error_) {
    return failure(Errc::exec_failed, "the command ended with " + describe_status(status),
                   retryable);
  }
  auto result = error_->message.empty()
                    ? failure(Errc::exec_failed, "the command said that it failed", retryable)
                    : failed(Errc::exec_failed, error_->message, retryable);
  if (!error_->code.empty()) result.error.code = error_->code;
  if (error_->retryable) result.error.retryable = *error_->retryable;
  result.retry_after = error_->retry_after;
  return result;
}

AttemptResult ExecOutput::failure(Errc code, std::string message, bool retryable) const {
  const std::string more = tail(kErrorTextMax - std::min(kErrorTextMax, message.size() + 2));
  if (!more.empty()) message.append(": ").append(more);
  return failed(code, std::move(message), retryable);
}

// What a person would look at to see why: the end of stderr; without one, of stdout.
std::string ExecOutput::tail(std::size_t room) const {
  if (!trimmed(stderr_).empty())
    return std::string(last_bytes(stderr_, std::min(room, kStderrTail)));
  if (recipe_.output == ExecOutputMode::lines) return {};
  return std::string(last_bytes(stdout_, std::min<std::size_t>(room, 1024)));
}

}  // namespace drover::workers
