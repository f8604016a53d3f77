#include "tests/simulation/subscriber.hpp"

#include <algorithm>

#include "broker/io/events.hpp"

namespace drover::sim {
namespace {

constexpr Duration kPatience = 10s;

}  // namespace

Subscriber::Subscriber(World& world, KeyNumber key, std::uint64_t seed)
    : world_(world),
      random_(seed),
      key_(key),
      client_(ClientCore::Options{}),
      link_(world.network.open(Side::clients, *this, key)),
      alarm_(world.schedule, [this] { run(); }) {
  const auto& tenant = world.options.keys[key].tenant;
  if (!tenant.empty()) prefix_ = tenant + "/";
  alarm_.set(kMillisecond);
}

void Subscriber::hear(std::string_view topic, std::string_view event) {
  if (!is_subscribed() || !follow_) return;
  if (!topic.starts_with(prefix_) && topic != broker::kTickTopic) return;
  if (world_.schedule.now() < loss_until_ && world_.by_lot(random_, loss_)) {
    world_.faults.add(FaultKind::bus_loss);
    return;
  }
  last_ = std::max(last_, world_.schedule.now() + random_.between(50, 2000));
  world_.schedule.at(last_, [this, bytes = std::string(event)] {
    if (is_subscribed()) follow_->heard(bytes, clock());
    alarm_.set(world_.schedule.now());
  });
}

void Subscriber::lose(Share share, Micros until) { loss_ = share, loss_until_ = until; }
void Subscriber::stand_still(Micros until) { away_until_ = until; }
void Subscriber::heal() {
  loss_until_ = away_until_ = 0;
  alarm_.set(world_.schedule.now());
}

void Subscriber::receive(std::string frame) {
  client_.received(frame, clock());
  run();
}

void Subscriber::reconnected() {
  client_.reconnected();
  run();
}

void Subscriber::run() {
  if (!is_subscribed()) return alarm_.set(away_until_);
  client_.advance(clock());
  if (!follow_ && client_.broker()) {
    FollowCore::Options options;
    options.prefix = prefix_;
    follow_.emplace(Cursor{client_.broker()->store, 0}, clock(), options);
  }
  while (const auto completion = client_.next_completed()) {
    if (!asked_ || completion->request != *asked_) continue;
    asked_.reset();
    follow_->answered(completion->error ? Result<std::string>(*completion->error)
                                        : Result<std::string>(completion->body),
                      clock());
  }
  if (follow_) {
    while (const auto followed = follow_->next()) world_.checker.follows(*followed, key_, reached_);
    ask();
  }
  while (const auto frame = client_.next_to_send(clock())) {
    if (!world_.network.send(link_, std::string(*frame))) break;
    client_.sent(clock());
  }
  const Instant wake = std::min(client_.wake_at(), follow_ ? follow_->wake_at() : kNever);
  if (wake == kNever) return;
  const Micros sleep = micros(std::max(wake - clock(), Duration(0)));
  alarm_.set(world_.schedule.now() + std::max<Micros>(sleep, kMillisecond));
}

void Subscriber::ask() {
  const auto question = follow_->next_question(clock());
  if (!question) return;
  using Kind = FollowCore::Question::Kind;
  if (question->kind == Kind::books) {
    asked_ = client_.start(wire::Books{}, clock(), kPatience);
  } else {
    wire::Events events;
    events.store = question->since.store;
    events.since = question->since.seq;
    events.prefix = question->prefix;
    events.limit = question->limit;
    asked_ = client_.start(events, clock(), kPatience);
  }
}

}  // namespace drover::sim
