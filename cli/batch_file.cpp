#include "cli/batch_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "drover/body.hpp"
#include "drover/task_json.hpp"

namespace drover::cli {
namespace {

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::string identity_of(const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return "";
  return fmt::format("{:x}.{:x}.{:x}.{:x}{:09x}", file.st_dev, file.st_ino, file.st_size,
                     file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
}

// Gives a line what it does not say itself.
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
  text(task.gate, usual.gate);
  text(task.concurrency_key, usual.concurrency_key);
  text(task.rate_key, usual.rate_key);
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
  if (!task.rate_key.empty()) value(task.rate_cost, usual.rate_cost);
  if (!task.delay && !task.not_before) {
    task.delay = usual.delay;
    task.not_before = usual.not_before;
  }
  if (!task.ttl && !task.expires_at) {
    task.ttl = usual.ttl;
    task.expires_at = usual.expires_at;
  }
}

}  // namespace

std::string batch_key(const std::string& identity, std::uint64_t line, std::string_view bytes) {
  if (identity.empty()) return "";
  return fmt::format("batch-{}-{}-{:016x}", identity, line, fnv1a(bytes));
}

Result<BatchFile> BatchFile::open(const std::string& path, const NewTask& usual) {
  BatchFile batch;
  batch.usual_ = usual;
  batch.file_.reset(path == "-" ? stdin : std::fopen(path.c_str(), "re"));
  struct stat about {};
  if (!batch.file_ || fstat(fileno(batch.file_.get()), &about) != 0) {
    return Error{Errc::invalid_argument, fmt::format("cannot read {}: {}", path, strerror(errno))};
  }
  if (S_ISDIR(about.st_mode)) {
    return Error{Errc::invalid_argument, fmt::format("cannot read {}: it is a folder", path)};
  }
  batch.identity_ = identity_of(about);
  if (S_ISREG(about.st_mode)) batch.bytes_ = static_cast<std::uint64_t>(about.st_size);
  return batch;
}

// False at the end of the file.
Result<bool> BatchFile::read_line(std::string& line) {
  line.clear();
  for (int c = 0; (c = getc_unlocked(file_.get())) != EOF;) {
    ++bytes_read_;
    if (c == '\n') return true;
    line += static_cast<char>(c);
    if (line.size() > kLineMax) {
      return Error{Errc::invalid_argument, fmt::format("line {} is too long", lines_ + 1)};
    }
  }
  if (std::ferror(file_.get()) != 0) {
    return Error{Errc::io_failed, fmt::format("reading failed: {}", strerror(errno))};
  }
  return !line.empty();
}

Result<std::vector<BatchLine>> BatchFile::next(std::size_t most) {
  std::vector<BatchLine> lines;
  std::string line;
  while (lines.size() < most) {
    const auto got = read_line(line);
    if (!got) return got.error();
    if (!*got) break;
    ++lines_;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    lines.push_back({lines_, read_task(line)});
  }
  return lines;
}

Result<NewTask> BatchFile::read_task(const std::string& line) const {
  auto json = parse_json(line);
  if (!json) return json.error();
  const bool has_type = !json->is_object() || json->contains("type");
  if (!has_type && !usual_.type.empty()) (*json)["type"] = usual_.type;
  auto task = task_from_json(*json);
  if (!task) return task.error();
  if (!task->id && task->idempotency_key.empty()) {
    task->idempotency_key = batch_key(identity_, lines_, line);
  }
  fill_in(*task, usual_);
  return task;
}

}  // namespace drover::cli
