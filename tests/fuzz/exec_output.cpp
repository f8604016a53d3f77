#include "workers/engines/exec_output.hpp"

#include "common/base/utf8.hpp"
#include "common/task/task_spec.hpp"
#include "common/wire/codec.hpp"
#include "tests/fuzz/targets.hpp"
#include "workers/core/attempt.hpp"
#include "workers/engines/json.hpp"

namespace drover::fuzz {
namespace {

constexpr std::size_t kOutputMax = 512;

// The status of waitpid for one of a few ends.
int status_of(unsigned choice) {
  constexpr int kEnds[] = {0, 0, 1 << 8, 78 << 8, 255 << 8, 9, 11, 15};
  return kEnds[choice % std::size(kEnds)];
}

// Hands the bytes over in pieces of `size`.
template <class Take>
void in_pieces(std::string_view bytes, std::size_t size, Take take) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    take(bytes.substr(0, size));
  }
}

workers::AttemptEnd end_of(workers::AttemptResult result) {
  workers::AttemptEnd end;
  end.outcome = result.outcome;
  end.result = std::move(result.result);
  end.content_type = std::move(result.content_type);
  end.error = std::move(result.error);
  end.retry_after = result.retry_after;
  end.usage = result.usage;
  return workers::presentable(std::move(end));
}

// How the worker tells the broker.
wire::WorkerMessage message_of(const workers::AttemptEnd& end) {
  if (end.outcome == Outcome::completed) {
    return wire::Done{SessionId{1}, {{TaskId(), 1, end.result, end.content_type, end.usage}}};
  }
  return wire::Failed{SessionId{1},
                      {{TaskId(), 1, end.outcome, end.error.code, end.error.message,
                        end.error.retryable, end.retry_after, end.usage}}};
}

void expect_bounds(const workers::AttemptResult& result) {
  // What one line of JSON says may be longer written out: a control character as \u0000.
  promise(result.result.size() <= 6 * kOutputMax, "the result is longer than output_max");
  promise(result.error.message.size() <= kErrorTextMax + kOutputMax, "the error is too long");
  const bool is_json = result.content_type == "application/json";
  promise(!is_json || workers::is_json(result.result), "a result is called JSON and is none");
  constexpr std::uint64_t kMost = 1'000'000'000'000'000;
  promise(result.usage.input_tokens <= kMost && result.usage.output_tokens <= kMost &&
              result.usage.cost_micro_usd <= kMost,
          "a usage beyond all bounds");
  promise(result.retry_after >= 0ms, "a retry lies in the past");
}

}  // namespace

// Whatever a command says, its attempt ends within the bounds, and the broker understands how.
void exec_output(std::string_view input) {
  if (input.size() < 2) return;
  const auto how = static_cast<unsigned char>(input[0]),
             ends = static_cast<unsigned char>(input[1]);
  input.remove_prefix(2);
  workers::ExecRecipe recipe;
  recipe.output = how % 2 == 0 ? workers::ExecOutputMode::lines : workers::ExecOutputMode::result;
  recipe.output_max = kOutputMax;
  const workers::ProgressFn progress = [](std::optional<std::uint32_t> percent,
                                          std::string_view message) {
    promise(percent.value_or(0) <= 100, "more than all is done");
    promise(is_utf8(message), "a progress message is no text");
  };
  workers::ExecOutput output(recipe, progress);
  const auto zero = std::min(input.find('\0'), input.size());
  in_pieces(input.substr(0, zero), 1 + how / 2, [&](auto piece) { output.take_stdout(piece); });
  in_pieces(input.substr(zero), 4096, [&](auto piece) { output.take_stderr(piece); });
  auto result = output.conclude(status_of(ends));
  expect_bounds(result);
  const auto end = end_of(std::move(result));
  std::string frame;
  encode(message_of(end), frame);
  promise(wire::decode_worker_message(frame, {}).has_value(), "the broker would refuse the end");
}

}  // namespace drover::fuzz
