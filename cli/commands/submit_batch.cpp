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

class Batch {
 public:
  Batch(Context& context, const SubmitOptions& options)
      : context_(context),
        options_(options),
        report_({options.rows, split(options.columns)}, /*keeps_tasks=*/!context.json),
        line_(context.terminal, context.quiet) {}

  int run() {
    auto file = BatchFile::open(options_.batch, options_.task);
    if (!file) return context_.fail(file.error());
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
    if (!submitted) return fail(submitted.error(), *file);
    tell_counts();
    tell_refused();
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
        refuse(number, json::object(), task.error());
        continue;
      }
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
    if (outcome.refused) return refuse(number, {{"id", to_string(outcome.id)}}, *outcome.refused);
    ++(outcome.duplicate ? counts_.duplicates : counts_.accepted);
    if (!outcome.warning.empty() && warned_.insert(outcome.warning).second) {
      line_.clear();
      context_.warn(outcome.warning);
    }
  }

  // Scripts are told each refusal, people the first.
  void refuse(std::uint64_t number, json about, const Error& error) {
    ++counts_.refused;
    if (!context_.json && counts_.refused > kRefusalsTold) return;
    line_.clear();
    if (context_.json) {
      about["line"] = number;
      context_.fail(error, about);
    } else {
      context_.warn(
          fmt::format("line {} was refused: {}: {}", number, name_of(error.code), error.message));
    }
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
    if (context_.json && !options_.wait) context_.print_json(counts_.to_json());
    context_.note(counts_.text());
    if (counts_.duplicates == 0) return;
    context_.note(
        "Nothing was made twice. This holds for the unchanged file: in a changed one all lines are "
        "new, but for those with an id or idempotency_key.");
  }

  void tell_refused() {
    if (counts_.refused == 0 || context_.json) return;
    auto text = counted(counts_.refused, "line") + " refused";
    if (counts_.refused > kRefusalsTold) {
      text += fmt::format(", {} of them not shown: --json shows all",
                          grouped(counts_.refused - kRefusalsTold));
    }
    context_.fail({Errc::invalid_argument, text});
    context_.note(
        "What is wrong is best corrected in a file of its own. What a limit refused is submitted "
        "by giving the unchanged file again.");
  }

  // A submission that broke off: says how far it was, and whether repeating it is safe.
  int fail(Error error, const BatchFile& file) {
    const auto* again = file.has_identity()
                            ? "Submitting the unchanged file again is safe"
                            : "Only lines with an id or idempotency_key are safe to submit again";
    context_.note(fmt::format("{}. {}.", counts_.text(), again));
    if (context_.json) error.message += fmt::format(". {}", again);
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
