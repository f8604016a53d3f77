#include "tests/contract/golden/story.hpp"

#include <algorithm>

#include "common/base/assert.hpp"
#include "common/wire/codec.hpp"

namespace drover::golden {

using broker::Peer;

// Hears what the story needs to go on: sessions and leases.
class Story::Ear final : public broker::Outlet {
 public:
  void send_to_client(Peer, std::string_view frame) override {
    const auto reply = wire::decode_client_reply(frame);
    const auto* accepted = std::get_if<wire::Accepted>(&*reply);
    if (accepted == nullptr) return;
    DROVER_ASSERT(accepted->replies[0].outcomes[0].code == Errc::ok);
  }
  bool send_to_worker(Peer, std::string_view frame) override {
    const auto order = wire::decode_worker_order(frame);
    if (const auto* welcome = std::get_if<wire::Welcome>(&*order)) welcomed = welcome->session;
    if (const auto* assign = std::get_if<wire::Assign>(&*order)) {
      for (const auto& item : assign->items) {
        leases.push_back({wire::decode_task(item.task)->id, item.attempt});
      }
    }
    return true;
  }
  void publish(std::string_view, std::string_view) override {}
  bool has_subscribers() const override { return false; }

  SessionId welcomed{};
  std::vector<wire::Hold> leases;
};

Story::Story(StoryOptions options)
    : disk_(options.seed), ear_(std::make_shared<Ear>()), ids_(options.seed) {
  broker::journal::JournalOptions journal;
  journal.segment_bytes = options.segment_bytes;
  journal.retain_bytes = 4 * options.segment_bytes;
  journal.seed = options.seed;
  journal.clock_ms = [this] { return to_ms(now_); };
  store_ = std::make_unique<broker::journal::InlineJournalStore>(disk_, journal);
  turn_ = std::make_unique<broker::Turn>(options.turn, *store_, *ear_, options.seed);
  DROVER_ASSERT(turn_->start(now_).has_value());
}

void Story::turn(const std::function<void()>& frames) {
  turn_->begin(now_);
  frames();
  turn_->finish();
  if (held_) return;
  do {
    store_->flush();
    store_->pump_all();
  } while (store_->durable() < store_->appended());
  turn_->begin(now_);
  turn_->finish();
}

Hand Story::hello(char name, std::vector<std::string_view> types, std::uint32_t slots) {
  wire::Hello m;
  m.worker.bytes.fill(static_cast<std::uint8_t>(name));
  m.host = "node-7";
  m.pid = 4711;
  m.types = std::move(types);
  m.slots = m.window = slots;
  const Hand stranger{Peer{++peers_}, {}};
  say(stranger, m);
  return {stranger.peer, ear_->welcomed};
}

TaskId Story::submit(const std::function<void(TaskSpec&)>& say_more) {
  TaskSpec spec;
  spec.id = make_task_id(now_, "default", ids_);
  spec.type = "work";
  spec.payload = R"({"x":1})";
  if (say_more) say_more(spec);
  std::string bytes;
  wire::encode_task(spec, bytes);
  say(wire::Submit{1, {{{}, bytes, {}}}});
  return spec.id;
}

void Story::say(const wire::ClientMessage& message) {
  std::string frame;
  wire::encode(message, frame);
  turn([&] { turn_->on_client_frame(Peer{1}, broker::everybody(), frame); });
}

void Story::say(const Hand& hand, const wire::WorkerMessage& message) {
  std::string frame;
  wire::encode(message, frame);
  turn([&] { turn_->on_worker_frame(hand.peer, broker::everybody(), frame); });
}

wire::Hold Story::hold_of(const TaskId& task) const {
  const auto at = std::find_if(ear_->leases.rbegin(), ear_->leases.rend(),
                               [&](const auto& lease) { return lease.task == task; });
  DROVER_ASSERT(at != ear_->leases.rend());
  return *at;
}

void Story::complete(const Hand& hand, const TaskId& task, std::string_view result) {
  say(hand, wire::Done{hand.session,
                       {{task, hold_of(task).attempt, result, "application/json", {10, 20, 30}}}});
}

void Story::fail(const Hand& hand, const TaskId& task, std::string_view code, bool retryable,
                 Outcome outcome) {
  wire::Failed::Item item;
  item.task = task;
  item.attempt = hold_of(task).attempt;
  item.outcome = outcome;
  item.code = code;
  item.message = "it did not work";
  item.retryable = retryable;
  item.usage = {1, 2, 3};
  say(hand, wire::Failed{hand.session, {item}});
}

void Story::pass(Duration duration) {
  for (const Instant until = now_ + duration; now_ < until;) {
    now_ = std::clamp(turn_->wake_at(), now_ + 1ms, until);
    turn();
  }
}

void Story::stop() { store_->close(); }

void Story::tear() {
  held_ = true;
  submit([](TaskSpec& s) { s.idempotency_key = "never-acknowledged"; });
  store_->flush();
  const auto segment = store_->figures().segments;
  const auto name = broker::journal::segment_name(static_cast<std::uint32_t>(segment));
  const auto before = disk_.contents(name);
  DROVER_ASSERT(store_->pump_commit());  // written, not synced
  const auto after = disk_.contents(name);
  std::size_t first = 0, last = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (before[i] == after[i]) continue;
    if (first == 0) first = i;
    last = i;
  }
  store_.reset();
  disk_.set_contents(name, after.substr(0, (first + last) / 2) + before.substr((first + last) / 2));
}

}  // namespace drover::golden
