// The messages of the wire as structs; schemas/wire/messages.yaml says what each means and when it
// is sent. Field order, kinds and bytes are in codec.cpp alone.
//
// Decoded messages borrow: their views point into the frame and live as long as it does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/task/attempt.hpp"
#include "common/task/task_spec.hpp"
#include "common/task/task_state.hpp"

namespace drover::wire {

inline constexpr std::uint32_t kVersion = 1;

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

// One lease, as both sides name it.
struct Hold {
  TaskId task;
  std::uint32_t attempt = 0;

  bool operator==(const Hold&) const = default;
};

// --- client -> broker

struct Connect {
  std::uint64_t request = 0;
  std::uint32_t version = kVersion;
  std::string_view software;
};

// One task of a submission: decoded, and the very bytes, which are stored and handed on unread.
// A task that cannot be decoded is kept as its error, so that the others are not held up by it.
struct SubmittedTask {
  TaskSpec spec;
  std::string_view bytes;
  std::optional<Error> fault;
};

struct Submit {
  std::uint64_t request = 0;
  std::vector<SubmittedTask> tasks;
};

struct Wait {
  std::uint64_t request = 0;
  TaskId task;
  Duration timeout{0};
};

struct Show {
  std::uint64_t request = 0;
  TaskId task;
};

struct List {
  std::uint64_t request = 0;
  std::optional<TaskState> state;
  std::string_view queue, type, tenant;  // "" = any
  Instant since = kNever;                // kNever = any; otherwise created at or after it
  std::uint32_t limit = 100;
  std::optional<std::uint64_t> cursor;
};

struct Cancel {
  std::uint64_t request = 0;
  std::vector<TaskId> tasks;
};

struct Retry {
  std::uint64_t request = 0;
  std::vector<TaskId> tasks;
};

struct Queues {
  std::uint64_t request = 0;
};

struct DeadLetters {
  std::uint64_t request = 0;
  std::string_view queue, reason;  // "" = any
  std::uint32_t limit = 100;
  std::optional<std::uint64_t> cursor;
};

struct Workers {
  std::uint64_t request = 0;
};

struct Stats {
  std::uint64_t request = 0;
};

struct Books {
  std::uint64_t request = 0;
};

struct Events {
  std::uint64_t request = 0;
  std::optional<StoreId> store;
  std::uint64_t since = 0;
  std::string_view prefix;
  std::uint32_t limit = 1000;
};

struct Ping {
  std::uint64_t request = 0;
};

struct Set {
  std::uint64_t request = 0;
  std::string_view of;            // queue, tenant or key
  std::string_view tenant, name;  // "" = default; of a tenant there is no name
  std::vector<std::pair<std::string_view, std::string_view>> changes;  // "" = unset
};

struct SettingsOf {
  std::uint64_t request = 0;
  std::string_view of, tenant, name;  // as of Set
};

struct Gates {
  std::uint64_t request = 0;
};

using ClientMessage =
    std::variant<Connect, Submit, Wait, Show, List, Cancel, Retry, Queues, DeadLetters, Workers,
                 Stats, Books, Events, Ping, Set, SettingsOf, Gates>;

// --- broker -> client

struct Connected {
  std::uint64_t request = 0;
  std::uint32_t version = kVersion;
  StoreId store;
  std::string_view software;
  std::uint64_t message_max = 0;
  std::uint64_t payload_max = 0;
  std::uint64_t batch_max = 0;
  std::string_view status;   // address of the bus
  std::string_view workers;  // address of the workers' socket
  std::string_view tenant;   // the only one that the client's key may name; "" = any
};

// What became of one submitted task. `code` other than ok: it was refused and nothing was kept.
struct SubmitOutcome {
  TaskId id;
  TaskState state = TaskState::ready;
  bool duplicate = false;
  std::string_view warning;
  Errc code = Errc::ok;
  std::string_view message;
  std::string_view field;
  Duration retry_after{0};
};

struct SubmitReply {
  std::uint64_t request = 0;
  std::vector<SubmitOutcome> outcomes;
};

struct Accepted {
  std::vector<SubmitReply> replies;
};

struct Answer {
  std::uint64_t request = 0;
  std::string_view body;  // one msgpack value
};

struct Refused {
  std::uint64_t request = 0;
  Errc code = Errc::internal;
  std::string_view message;
  std::string_view field;
  Duration retry_after{0};
};

using ClientReply = std::variant<Connected, Accepted, Answer, Refused>;

// --- worker -> broker

struct Hello {
  std::uint32_t version = kVersion;
  WorkerId worker;
  std::string_view host;
  std::uint64_t pid = 0;
  std::string_view software;
  std::vector<std::string_view> types;
  std::vector<std::string_view> capabilities;
  Pairs labels;
  std::uint32_t slots = 1;
  std::uint32_t window = 1;
  std::vector<Hold> holds;
};

struct Heartbeat {
  SessionId session{};
  bool draining = false;
  std::vector<Hold> holds;
};

struct Done {
  struct Item {
    TaskId task;
    std::uint32_t attempt = 0;
    std::string_view result;
    std::string_view content_type;  // "" = application/json
    Usage usage;
  };
  SessionId session{};
  std::vector<Item> items;
};

struct Failed {
  struct Item {
    TaskId task;
    std::uint32_t attempt = 0;
    Outcome outcome = Outcome::failed;  // failed, timed_out or stopped
    std::string_view code;
    std::string_view message;
    bool retryable = true;
    Duration retry_after{0};
    Usage usage;
  };
  SessionId session{};
  std::vector<Item> items;
};

struct Released {
  SessionId session{};
  std::vector<Hold> items;
};

struct Progress {
  struct Item {
    TaskId task;
    std::uint32_t attempt = 0;
    std::optional<std::uint32_t> percent;  // 0 to 100
    std::string_view message;
  };
  SessionId session{};
  std::vector<Item> items;
};

struct Bye {
  SessionId session{};
};

using WorkerMessage = std::variant<Hello, Heartbeat, Done, Failed, Released, Progress, Bye>;

// --- broker -> worker

// The broker's word on one lease.
struct Verdict {
  TaskId task;
  std::uint32_t attempt = 0;
  Errc code = Errc::ok;
};

struct Welcome {
  SessionId session{};
  std::uint32_t version = kVersion;
  StoreId store;
  Duration heartbeat = 5s;
  Duration worker_timeout = 15s;
  std::uint64_t message_max = 0;
  std::uint64_t result_max = 0;
  std::vector<Verdict> drop;
};

struct Assign {
  struct Item {
    std::uint32_t attempt = 0;
    std::uint32_t failures = 0;
    std::uint32_t max_attempts = 0;
    Duration timeout{0};
    std::string_view tenant;
    std::string_view queue;
    Priority priority = Priority::normal;
    Instant created_at;
    std::string_view task;  // the array as submitted: read it with decode_task
  };
  SessionId session{};
  std::vector<Item> items;
};

struct Confirm {
  SessionId session{};
  std::vector<Verdict> items;
};

struct CancelAttempts {
  struct Item {
    TaskId task;
    std::uint32_t attempt = 0;
    Duration grace{0};
  };
  SessionId session{};
  std::vector<Item> items;
};

struct Drain {
  SessionId session{};
};

struct Alive {
  SessionId session{};
};

struct Who {
  SessionId session{};
  Errc code = Errc::session_unknown;
  std::string_view message;
};

using WorkerOrder = std::variant<Welcome, Assign, Confirm, CancelAttempts, Drain, Alive, Who>;

}  // namespace drover::wire
