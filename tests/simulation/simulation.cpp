#include "tests/simulation/simulation.hpp"

#include <algorithm>

namespace drover::sim {
namespace {

constexpr Micros kLookEvery = kSecond;

}  // namespace

Simulation::Simulation(const SimOptions& options, Trace::Sink tell)
    : options_(options),
      random_(options.seed + 0x9e37),
      network_(schedule_, trace_, faults_, Random(options.seed + 1), options.latency_min,
               options.latency_spread),
      checker_(options_, schedule_),
      world_{options_, schedule_, trace_, faults_, network_, checker_},
      broker_(world_, *this, options.seed + 2) {
  trace_.set_sink(std::move(tell));
  network_.set_copied(options_.copied);
  broker_.start_after(0);
  places_.resize(options_.workers);
  for (std::size_t place = 0; place < options_.workers; ++place) start_worker(place);
  const std::uint32_t share = options_.tasks / options_.producers;
  for (std::uint32_t i = 0; i < options_.producers; ++i) {
    const auto tasks = i == 0 ? options_.tasks - share * (options_.producers - 1) : share;
    producers_.push_back(std::make_unique<Producer>(world_, tasks, random_.next()));
  }
  for (std::uint32_t i = 0; i < options_.subscribers; ++i) {
    subscribers_.push_back(std::make_unique<Subscriber>(
        world_, i == 0 ? 0 : draw_key(broker::Role::subscriber), random_.next()));
  }
  plan_chaos();
  schedule_.at(options_.chaos, [this] { heal(); });
  look_around();
}

// --- the fleet

KeyNumber Simulation::draw_key(broker::Role role) {
  std::vector<KeyNumber> keys;
  for (KeyNumber key = 0; key < options_.keys.size(); ++key) {
    if (options_.keys[key].role == role) keys.push_back(key);
  }
  return keys.empty() ? 0 : keys[random_.below(keys.size())];
}

// The first worker runs everything, so that nothing waits for ever.
workers::WorkerProfile Simulation::draw_profile(std::size_t place) {
  workers::WorkerProfile profile;
  profile.id.bytes = make_uuid_v4(random_);
  profile.host = "host-" + std::to_string(place);
  profile.pid = 100 + place;
  profile.slots = static_cast<std::uint32_t>(random_.between(1, options_.slots_max));
  profile.prefetch = static_cast<std::uint32_t>(random_.below(options_.prefetch_max + 1));
  const bool narrow = options_.narrow_workers && place > 0;
  for (std::uint32_t i = 0; i < options_.types; ++i) {
    if (narrow && random_.one_in(2) && i > 0) continue;
    profile.types.push_back("t." + std::string(1, static_cast<char>('a' + i)));
  }
  if (!narrow || random_.one_in(2)) profile.capabilities = {"gpu"};
  return profile;
}

WorkerProcess& Simulation::start_worker(std::size_t place) {
  const KeyNumber key = place == 0 ? 0 : draw_key(broker::Role::worker);
  workers_.push_back(
      std::make_unique<WorkerProcess>(world_, draw_profile(place), key, random_.next()));
  places_[place] = workers_.back().get();
  return *workers_.back();
}

void Simulation::replace_workers() {
  for (std::size_t place = 0; place < places_.size(); ++place) {
    if (!places_[place]->is_alive() && (healed_ || random_.one_in(4))) start_worker(place);
  }
}

WorkerProcess* Simulation::any_worker() {
  WorkerProcess* worker = places_[random_.below(places_.size())];
  return worker->is_alive() ? worker : nullptr;
}

void Simulation::publish(std::string_view topic, std::string_view event) {
  for (const auto& subscriber : subscribers_) subscriber->hear(topic, event);
}

bool Simulation::has_subscribers() const {
  return std::any_of(subscribers_.begin(), subscribers_.end(),
                     [](const auto& subscriber) { return subscriber->is_subscribed(); });
}

// --- the run

void Simulation::look_around() {
  replace_workers();
  done_ = healed_ && is_done();
  schedule_.after(kLookEvery, [this] { look_around(); });
}

bool Simulation::is_done() {
  const auto is_done = [](const auto& producer) { return producer->is_done(); };
  if (!std::all_of(producers_.begin(), producers_.end(), is_done)) return false;
  if (!broker_.is_quiet() || checker_.unfinished()) return false;
  return std::all_of(subscribers_.begin(), subscribers_.end(), [&](const auto& subscriber) {
    return subscriber->reached() >= checker_.newest_of(subscriber->key());
  });
}

Report Simulation::run() {
  while (!done_ && !checker_.violation() &&
         schedule_.now() < options_.chaos + options_.healing_max) {
    schedule_.step();
  }
  if (done_) checker_.ends(broker_.turn().core());
  if (!done_ && !checker_.violation()) {
    checker_.fail("liveness: all is healed, and not all ends: " +
                  checker_.unfinished().value_or("a producer or a subscriber still waits"));
  }
  Report report;
  report.violation = checker_.violation();
  report.trace_hash = trace_.hash();
  report.simulated = schedule_.now();
  for (const auto& producer : producers_) report.tasks += producer->submitted();
  report.faults = faults_;
  report.figures = checker_.figures();
  return report;
}

Report simulate(std::uint64_t seed, Trace::Sink tell) {
  const SimOptions options = draw_options(seed);
  return Simulation(options, std::move(tell)).run();
}

}  // namespace drover::sim
