// Drover's client library for C++: hand tasks in, wait for them, look at them, change them.
//
//   drover::ClientOptions options;                  // tcp://127.0.0.1:7700, ten seconds a call
//   auto client = drover::Client::open(options);
//   drover::NewTask task{.type = "test.echo", .payload = R"({"x":1})"};
//   auto submitted = client->submit(task);          // on disk at the broker when it returns
//   auto ended = client->wait(submitted->id, 1min); // the task as JSON
//
// Every call has a deadline. A request whose answer is lost, because the broker was restarted for
// instance, is sent again under the same ids, so nothing happens twice. A call that ends with
// BROKER_UNAVAILABLE was not answered in time: whether it was carried out is not known, and
// repeating it with the same task ids is safe.
//
// Threads: a client belongs to one thread at a time; make one for each thread that needs it.
// Between calls it does nothing: whoever has requests under way calls next_done often.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/transport/key_file.hpp"
#include "drover/client_core.hpp"
#include "drover/task.hpp"

namespace drover {

struct ClientOptions {
  std::string url = "tcp://127.0.0.1:7700";
  transport::ClientKeys keys;  // for a secured broker: files with this client's and its key
  Duration timeout = 10s;      // of every call that has none of its own
  std::size_t window = 64;     // submissions under way at once
  std::string software;        // who connects, for the broker's log; "" = this library
  int stop_fd = -1;            // once readable, every call ends with CANCELLED: for Ctrl-C
};

// Which tasks to list; what is empty does not matter.
struct TaskQuery {
  std::optional<TaskState> state;
  std::string queue, type, tenant;
  std::optional<Instant> since;  // created at or after it
  std::uint32_t limit = 100;
  std::optional<std::uint64_t> cursor;
};

struct DeadQuery {
  std::string queue, reason;
  std::uint32_t limit = 100;
  std::optional<std::uint64_t> cursor;
};

// A started submission, and how it ended.
using Ticket = std::uint64_t;
struct Done {
  Ticket ticket = 0;
  std::optional<Error> error;       // of the submission as a whole; then there are no outcomes
  std::vector<Submitted> outcomes;  // in the order of the tasks
};

// How far a long submission is.
struct SubmitProgress {
  std::size_t tasks = 0;
  std::size_t answered = 0;
};

class Client {
 public:
  // Begins to connect; nobody needs to be there yet. Error: BAD_CONFIGURATION for an address that
  // is none, and for keys that cannot be used.
  static Result<Client> open(const ClientOptions& options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Waits for the broker's greeting. Every other call does so by itself. Errors:
  // BROKER_UNAVAILABLE (with the reason, where the broker or its key refused us),
  // UNSUPPORTED_VERSION.
  Result<BrokerInfo> connect();
  Result<BrokerInfo> connect(Duration timeout);

  // --- tasks

  // One task. Error: why it was refused.
  Result<Submitted> submit(const NewTask& task);

  // Any number of tasks, in as many messages as they need, some of them under way at once. Each
  // stands for itself: `refused` is set for those that were not kept. Tasks without an id get one
  // that is put into `tasks`, so that a repeat after an error hands in the same ones; those without
  // a tenant likewise get that of the client's key, if it is for one.
  Result<std::vector<Submitted>> submit(
      std::span<NewTask> tasks, const std::function<void(const SubmitProgress&)>& progress = {});

  // The task once it has ended. Errors: WAIT_TIMED_OUT (the task goes on), NOT_FOUND.
  Result<nlohmann::json> wait(const TaskId& task, Duration timeout);

  Result<nlohmann::json> show(const TaskId& task);
  Result<nlohmann::json> list(const TaskQuery& query);           // {"tasks":[...],"next_cursor"}
  Result<nlohmann::json> cancel(std::span<const TaskId> tasks);  // {"tasks":[{"id","state"}...]}
  Result<nlohmann::json> retry(std::span<const TaskId> tasks);   // likewise

  // --- the fleet

  Result<nlohmann::json> queues();
  Result<nlohmann::json> dead_letters(const DeadQuery& query);  // {"dead":[...],"next_cursor"}
  Result<nlohmann::json> workers();
  Result<nlohmann::json> stats();
  Result<nlohmann::json> books();

  // What is set of a queue, a tenant or a key (what tasks name as gate, concurrency_key or
  // rate_key): {"of","tenant","name","settings":{},"made":[]}. `tenant` "" is the key's own, or
  // default; of a tenant `name` is "".
  struct Holder {
    std::string of = {}, tenant = {}, name = {};
  };
  Result<nlohmann::json> settings(const Holder& holder);
  // Changes it, for good: {"limit","10000"}, {"rate","100/1m"}; an empty value unsets. Answers what
  // holds then. INVALID_ARGUMENT with the setting's name.
  Result<nlohmann::json> set(const Holder& holder,
                             std::span<const std::pair<std::string, std::string>> changes);
  // Gates that are closed, limited or waited at: [{"kind","of","tenant","name","open","waiting"}].
  Result<nlohmann::json> gates();
  Result<std::chrono::microseconds> ping();  // how long the answer took

  // --- pipelined, for load

  // Starts a submission of at most broker().batch_max tasks and message_max bytes. Errors:
  // BATCH_TOO_LARGE, MESSAGE_TOO_LARGE, RESOURCE_EXHAUSTED while has_room() is false.
  Result<Ticket> start_submit(std::span<NewTask> tasks);
  bool has_room() const;

  // The next submission that ended, waiting for at most `timeout`; nothing if none did. Error:
  // CANCELLED.
  Result<std::optional<Done>> next_done(Duration timeout);
  std::size_t under_way() const;

  // Why there is no connection, where the newest attempt at one was refused; "" otherwise.
  const std::string& trouble() const;

  // The greeting, if it has come.
  const std::optional<BrokerInfo>& broker() const;
  const ClientOptions& options() const;

  struct Impl;

 private:
  friend class Follower;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The release of libzmq that carries it all: "4.3.4".
std::string zeromq_version();

// An address that the broker tells of itself (BrokerInfo), as it is reached from where `url`
// reaches the broker: one that listens on all interfaces cannot know its name.
std::string reached_through(const std::string& url, const std::string& advertised);

}  // namespace drover
