// Events: numbered without a gap, durable before they are told, and the same whenever they are.

#include "common/wire/reader.hpp"
#include "tests/simulation/checker.hpp"

namespace drover::sim {
namespace {

// The number of an event; 0 if it has none.
std::uint64_t seq_of(std::string_view event) {
  wire::Reader r(event);
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    if (r.str() == "seq") return r.uint();
    r.skip();
  }
  return 0;
}

}  // namespace

void Checker::told(std::uint64_t seq, std::string_view event) {
  if (seq == 0 || seq > newest_seq()) return fail("promise 8: an event that was never recorded");
  if (!is_durable(seq)) return fail("promise 3: an event is told before it is durable");
  std::uint64_t& known = events_[seq - 1];
  const std::uint64_t now = digest(event);
  if (known == 0) known = now;
  if (known != now) fail("promise 8: event " + std::to_string(seq) + " is told in two ways");
}

void Checker::publishes(std::string_view, std::string_view event) {
  ++figures_.events;
  const auto seq = seq_of(event);
  if (seq > 0) told(seq, event);
}

// Whether a follower with this key hears of the event.
bool Checker::concerns(KeyNumber key, std::uint64_t seq) const {
  const auto& tenant = options_.keys[key].tenant;
  return tenant.empty() || tenants_[seq - 1] == tenant;
}

// The next event after `seq` that a follower with this key hears of.
std::uint64_t Checker::next_of(KeyNumber key, std::uint64_t seq) const {
  for (++seq; seq <= newest_seq() && !concerns(key, seq);) ++seq;
  return seq;
}

std::uint64_t Checker::newest_of(KeyNumber key) const {
  std::uint64_t seq = newest_seq();
  while (seq > 0 && !concerns(key, seq)) --seq;
  return seq;
}

// One page of the log, of all that the asker may know.
void Checker::check_page(const Expected& expected, std::string_view body) {
  wire::Reader r(body);
  std::uint64_t last = expected.since;
  std::optional<std::uint64_t> reached;
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    const auto key = r.str();
    if (key == "reached") {
      if (!r.take_nil()) reached = r.uint();
    } else if (key == "events") {
      for (auto count = r.array(); count > 0 && !r.failed(); --count) {
        const auto event = r.raw();
        const auto seq = seq_of(event);
        if (seq != next_of(expected.key, last))
          return fail("promise 8: a page of events has a gap");
        last = seq;
        ++figures_.replayed_events;
        told(seq, event);
      }
    } else {
      r.skip();
    }
  }
  if (r.failed()) return fail("a page of events cannot be read");
  if (!reached) return;
  if (*reached < last) return fail("promise 8: a page of events reaches further than it says");
  if (next_of(expected.key, last) <= *reached) fail("promise 8: a page of events leaves some out");
}

// What a subscriber makes of both: every event once and in order, or a gap that is owned up to.
void Checker::follows(const Followed& followed, KeyNumber key, std::uint64_t& reached) {
  if (followed.kind == Followed::Kind::gap) {
    ++figures_.gaps;
    if (followed.reason != "EVENTS_TRIMMED") fail("promise 8: a gap: " + followed.reason);
    const auto from = followed.from->seq;
    if (from < reached || from >= next_of(key, reached)) {
      fail("promise 8: a gap begins elsewhere");
    }
    reached = followed.to->seq;
    return;
  }
  if (followed.event.seq == 0) return;
  if (followed.event.seq != next_of(key, reached)) fail("promise 8: a subscriber misses an event");
  reached = followed.event.seq;
  told(followed.event.seq, followed.event.bytes);
}

}  // namespace drover::sim
