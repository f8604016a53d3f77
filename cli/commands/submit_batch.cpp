#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/batch_file.hpp"
#include "cli/batch_report.hpp"
#include "cli/batch_wait.hpp"
#include "cli/commands/submit.hpp"
#include "cli/human.hpp"
#include "drover/client.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLinesAtOnce = 10'000;
constexpr std::size_t kRefusalsTold = 10;
constexpr std::size_t kBarWidth = 24;

struct Counts {
  std::uint64_t accepted = 0, duplicates = 0, refused = 0;

  json to_json() const {
    return {{"accepted", accepted}, {"duplicates", duplicates}, {"refused", refused}};
  }
  std::string text() const {
    return fmt::format("{} accepted, {} known already, {} refused", grouped(accepted),
                       grouped(duplicates), grouped(refused));
  }
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

// Gives a line what the command line says and the line does not.
void fill_in(NewTask& task, const NewTask& usual) {
  const auto text = [](std::string& target, const std::string& value) {
    if (target.empty()) target = value;
  };
  const auto value = [](auto& target, const auto& other) {
    if (!target) target = other;
  };
  text(task.queue, usual.queue);
  text(task.tenant, usual.tenant);
  text(task.user_id, usual.user_id);
  text(task.agent_id, usual.agent_id);
  text(task.content_type, usual.content_type);
  text(task.traceparent, usual.traceparent);
  const auto list = [](auto& target, const auto& other) {
    if (target.empty()) target = other;
  };
  list(task.required_capabilities, usual.required_capabilities);
  list(task.required_labels, usual.required_labels);
  list(task.metadata, usual.metadata);
  value(task.priority, usual.priority);
  value(task.timeout, usual.timeout);
  value(task.max_attempts, usual.max_attempts);
  value(task.backoff, usual.backoff);
  value(task.result_ttl, usual.result_ttl);
  if (!task.delay && !task.not_before) {
    task.delay = usual.delay;
    task.not_before = usual.not_before;
  }
  if (!task.ttl && !task.expires_at) {
    task.ttl = usual.ttl;
    task.expires_at = usual.expires_at;
  }
}

class Batch {
 public:
  Batch(Context& context, const SubmitOptions& options)
      : context_(context),
        options_(options),
        report_({options.rows, split(options.columns)}, /*keeps_tasks=*/!context.json),
        line_(context.terminal, context.quiet) {}

  int run() {
    auto file = BatchFile::open(options_.batch, options_.task.type);
    if (!file) return context_.fail(file.error()), kUsage;
    auto client = context_.client();
    if (!client) return context_.fail(client.error());
    std::optional<BatchWait> wait;
    if (options_.wait) {
      auto started = BatchWait::start(
          context_, *client, [this](std::uint64_t line, json task) { end(line, std::move(task)); });
      if (!started) return context_.fail(started.error());
      wait.emplace(std::move(*started));
    }
    const auto submitted = submit_all(*file, *client, wait);
    line_.clear();
    if (!submitted) return fail(submitted.error());
    tell_counts();
    return wait ? await(*wait) : counts_.refused > 0 ? kFailed : kOk;
  }

 private:
  Result<void> submit_all(BatchFile& file, Client& client, std::optional<BatchWait>& wait) {
    while (true) {
      auto lines = file.next(kLinesAtOnce);
      if (!lines) return lines.error();
      if (lines->empty()) return {};
      if (auto submitted = submit_some(*lines, file, client, wait); !submitted) return submitted;
    }
  }

  Result<void> submit_some(std::vector<BatchLine>& lines, const BatchFile& file, Client& client,
                           std::optional<BatchWait>& wait) {
    std::vector<NewTask> tasks;
    std::vector<std::uint64_t> numbers;
    for (auto& [number, task] : lines) {
      if (!task) {
        refuse(number, task.error());
        continue;
      }
      fill_in(*task, options_.task);
      tasks.push_back(std::move(*task));
      numbers.push_back(number);
    }
    const auto outcomes = client.submit(
        tasks, [&](const SubmitProgress& progress) { show_progress(file, progress); });
    if (!outcomes) return outcomes.error();
    for (std::size_t i = 0; i < outcomes->size(); ++i) {
      take((*outcomes)[i], numbers[i]);
      if (wait && !(*outcomes)[i].refused) wait->add(numbers[i], (*outcomes)[i]);
    }
    return {};
  }

  void take(const Submitted& outcome, std::uint64_t number) {
    if (outcome.refused) return refuse(number, *outcome.refused);
    ++(outcome.duplicate ? counts_.duplicates : counts_.accepted);
    if (!outcome.warning.empty() && warned_.insert(outcome.warning).second) {
      line_.clear();
      context_.warn(outcome.warning);
    }
  }

  void refuse(std::uint64_t number, const Error& error) {
    if (++counts_.refused > kRefusalsTold) return;
    line_.clear();
    context_.warn(
        fmt::format("line {} was refused: {}: {}", number, name_of(error.code), error.message));
    if (counts_.refused == kRefusalsTold) context_.warn("further refusals are counted only");
  }

  void show_progress(const BatchFile& file, const SubmitProgress& progress) {
    const auto done = counts_.accepted + counts_.duplicates + counts_.refused + progress.answered;
    if (file.bytes() == 0) return line_.show(fmt::format("{} submitted", grouped(done)));
    // Of the piece in hand, what is not answered is not done.
    const double part =
        static_cast<double>(progress.answered) / static_cast<double>(progress.tasks);
    const auto read = static_cast<std::size_t>(
        static_cast<double>(before_) + static_cast<double>(file.bytes_read() - before_) * part);
    if (progress.answered == progress.tasks) before_ = file.bytes_read();
    line_.show(bar(read, file.bytes(), kBarWidth) + fmt::format("  {} submitted", grouped(done)));
  }

  void tell_counts() {
    if (!context_.json) return context_.note(counts_.text());
    if (!options_.wait) context_.print_json(counts_.to_json());
  }

  // A submission that broke off: says how far it was, and that going on is safe.
  int fail(const Error& error) {
    context_.note(counts_.text() + ". Submitting the file again is safe.");
    return context_.fail(error);
  }

  void end(std::uint64_t line, json task) {
    if (context_.json) {
      task["line"] = line;
      context_.print_json(task);
    }
    report_.add(line, std::move(task));
  }

  int await(BatchWait& wait) {
    const auto waited = wait.run(options_.wait_timeout);
    tell_report();
    if (!waited) return context_.fail(waited.error());
    if (counts_.refused > 0) return kFailed;
    return report_.count("completed") == report_.tasks() ? kOk : kEndedOtherwise;
  }

  void tell_report() {
    if (context_.json) {
      auto figures = report_.figures();
      figures.update(counts_.to_json());
      context_.print_json(figures);
      return;
    }
    if (const auto table = report_.table(); !table.empty()) {
      context_.print(table);
      context_.print("");
    }
    for (const auto& line : report_.summary()) context_.print(line);
  }

  Context& context_;
  const SubmitOptions& options_;
  BatchReport report_;
  StatusLine line_;
  Counts counts_;
  std::set<std::string> warned_;
  std::uint64_t before_ = 0;  // bytes of the file that are dealt with
};

}  // namespace

int submit_batch(Context& context, const SubmitOptions& options) {
  return Batch(context, options).run();
}

}  // namespace drover::cli
