#include "tests/simulation/producer.hpp"

#include <algorithm>
#include <utility>

#include "common/wire/codec.hpp"

namespace drover::sim {
namespace {

constexpr Duration kPatience = 20s;
constexpr Duration kWait = 30s;

ClientCore::Options client_options(Random& random) {
  ClientCore::Options options;
  options.resend_after = random.one_in(2) ? 3000ms : 300ms;
  options.wait_slice = random.one_in(2) ? 20'000ms : 2000ms;
  options.window = random.one_in(4) ? 2 : 64;
  return options;
}

}  // namespace

Producer::Producer(World& world, std::uint32_t tasks, std::uint64_t seed)
    : world_(world),
      random_(seed),
      client_(client_options(random_)),
      link_(world.network.open(Side::clients, *this)),
      act_alarm_(world.schedule, [this] { act(); }),
      run_alarm_(world.schedule, [this] { run(); }),
      left_(tasks),
      pause_(world.options.chaos * (1 + world.options.batch_max) / 2 / (tasks + 1)) {
  act_alarm_.set(random_.between(0, pause_));
}

// --- what it does

void Producer::act() {
  if (left_ > 0) {
    submit_some();
    act_alarm_.set(world_.schedule.now() + random_.between(0, 2 * pause_ * 9 / 10));
  }
  if (!known_.empty() && world_.schedule.now() < world_.options.chaos) ask_something();
  run();
}

Producer::Mine Producer::draw() {
  const NewTask task = draw_task(world_.options, world_.system_clock(), known_.size(), random_);
  Mine mine;
  mine.id = *task.id;
  wire::encode_task(task.as_spec(), mine.bytes);
  world_.checker.intends(mine.id, task.delay.value_or(0ms));
  known_.push_back(mine.id);
  return mine;
}

void Producer::submit_some() {
  const auto count = std::min<std::uint32_t>(
      left_, static_cast<std::uint32_t>(random_.between(1, world_.options.batch_max)));
  std::vector<Mine> tasks;
  for (std::uint32_t i = 0; i < count; ++i) tasks.push_back(draw());
  left_ -= count;
  submit(std::move(tasks));
}

void Producer::submit(std::vector<Mine> tasks) {
  wire::Submit message;
  for (const Mine& mine : tasks) {
    wire::SubmittedTask task;
    task.bytes = mine.bytes;
    message.tasks.push_back(task);
  }
  const auto request = client_.start(message, clock(), kPatience);
  submissions_[request] = std::move(tasks);
}

void Producer::ask(wire::ClientMessage message) {
  client_.start(std::move(message), clock(), kPatience);
}

void Producer::ask_something() {
  const SimOptions& o = world_.options;
  const bool recent = random_.one_in(2);
  const TaskId id = recent ? known_.back() : one_of_mine();
  if (world_.by_lot(random_, o.cancels)) ask(wire::Cancel{0, {id, one_of_mine()}});
  if (world_.by_lot(random_, o.retries)) ask(wire::Retry{0, {id, one_of_mine(), one_of_mine()}});
  if (world_.by_lot(random_, o.shows)) ask(wire::Show{0, id});
  if (world_.by_lot(random_, o.waits)) client_.start_wait(id, clock(), kWait);
  if (!world_.by_lot(random_, o.looks)) return;
  ask(wire::Queues{});
  ask(wire::Workers{});
  ask(wire::List{});
  ask(wire::DeadLetters{});
  ask(wire::Stats{});
}

// --- what it hears

void Producer::receive(std::string frame) {
  client_.received(frame, clock());
  run();
}

void Producer::reconnected() {
  client_.reconnected();
  run();
}

void Producer::run() {
  client_.advance(clock());
  while (const auto completion = client_.next_completed()) completed(*completion);
  while (const auto frame = client_.next_to_send(clock())) {
    if (!world_.network.send(link_, std::string(*frame))) break;
    client_.sent(clock());
  }
  const Instant wake = client_.wake_at();
  if (wake == kNever) return;
  const Micros sleep = micros(std::max(wake - clock(), Duration(0)));
  run_alarm_.set(world_.schedule.now() + std::max<Micros>(sleep, kMillisecond));
}

void Producer::completed(const Completion& completion) {
  const auto at = submissions_.find(completion.request);
  if (at == submissions_.end()) return;
  auto tasks = std::move(at->second);
  submissions_.erase(at);
  answered(std::move(tasks), completion);
}

// Nobody knows what became of a task without an answer: it is submitted again, under the same id.
void Producer::answered(std::vector<Mine> tasks, const Completion& completion) {
  if (completion.error) {
    if (completion.error->code != Errc::broker_unavailable) {
      world_.checker.fail("a submission is refused as a whole: " + completion.error->message);
    }
    return submit(std::move(tasks));
  }
  if (completion.outcomes.size() != tasks.size()) {
    world_.checker.fail("a submission is answered with another number of outcomes");
  }
}

}  // namespace drover::sim
