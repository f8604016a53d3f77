#include "tests/simulation/network.hpp"

#include <utility>

namespace drover::sim {

Network::Network(Schedule& schedule, Trace& trace, FaultCounts& faults, Random random,
                 Micros latency_min, Micros latency_spread)
    : schedule_(schedule),
      trace_(trace),
      faults_(faults),
      random_(random),
      latency_min_(latency_min),
      latency_spread_(latency_spread) {}

LinkId Network::open(Side side, Caller& caller, KeyNumber key) {
  const LinkId id = links_.size();
  Link& link = links_.emplace_back();
  link.side = side;
  link.caller = &caller;
  link.key = key;
  connect_later(id);
  return id;
}

void Network::close(LinkId id, bool noticed) {
  Link& link = links_[id];
  link.caller = nullptr;
  if (noticed) disconnect(link);
}

void Network::cut(LinkId id) {
  if (!links_[id].connected) return;
  disconnect(links_[id]);
  connect_later(id);
}

void Network::silence(LinkId link, Direction direction, Micros until) {
  Pipe& pipe = direction == Direction::to_broker ? links_[link].to_broker : links_[link].to_caller;
  pipe.silent_until = until;
}

void Network::heal() {
  weather_ = {};
  for (Link& link : links_) link.to_broker.silent_until = link.to_caller.silent_until = 0;
}

// --- connections

void Network::connect_later(LinkId id) {
  const Micros delay = random_.between(kMillisecond, kSecond);
  schedule_.after(delay, [this, id] { connect(id); });
}

void Network::connect(LinkId id) {
  Link& link = links_[id];
  if (!link.caller || link.connected || !inbox_) return;
  link.connected = true;
  ++link.epoch;
  link.peer = Peer{next_peer_++};
  link.to_broker.last = link.to_caller.last = 0;
  by_peer_[key_of(link.side, link.peer)] = id;
  link.caller->reconnected();
}

void Network::disconnect(Link& link) {
  if (!link.connected) return;
  link.connected = false;
  ++link.epoch;
  by_peer_.erase(key_of(link.side, link.peer));
}

void Network::broker_up(Inbox& inbox) {
  inbox_ = &inbox;
  next_peer_ = 1 + random_.below(4);  // the next broker may give the same numbers again
  for (LinkId id = 0; id < links_.size(); ++id) {
    if (links_[id].caller) connect_later(id);
  }
}

void Network::broker_down() {
  inbox_ = nullptr;
  for (Link& link : links_) disconnect(link);
  by_peer_.clear();
}

// --- frames

bool Network::is_lost(const Pipe& pipe) {
  if (schedule_.now() < pipe.silent_until) return true;
  if (!by_lot(weather_.loss)) return false;
  faults_.add(FaultKind::message_loss);
  return true;
}

Micros Network::arrival(Pipe& pipe) {
  Micros delay = latency_min_ + static_cast<Micros>(
                                    random_.below(static_cast<std::uint64_t>(latency_spread_) + 1));
  if (weather_.delay_max > 0 && random_.one_in(20)) {
    faults_.add(FaultKind::message_delay);
    delay += random_.between(0, weather_.delay_max);
  }
  pipe.last = std::max(pipe.last, schedule_.now() + delay);
  return pipe.last;
}

bool Network::send(LinkId id, std::string frame) {
  if (!links_[id].connected) return false;
  into_broker(id, std::move(frame));
  return true;
}

void Network::into_broker(LinkId id, std::string frame) {
  Link& link = links_[id];
  if (is_lost(link.to_broker)) return;
  const bool twice = by_lot(weather_.duplication);
  if (twice) faults_.add(FaultKind::message_duplication);
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    schedule_.at(arrival(link.to_broker), [this, id, epoch = link.epoch, frame] {
      const Link& l = links_[id];
      if (l.epoch != epoch || !inbox_) return;
      trace_.add("to broker", static_cast<std::uint64_t>(l.peer), frame);
      inbox_->arrived(l.side, l.peer, l.key, frame);
    });
  }
}

// Somebody who has seen the frame tries what it is worth under a key of his own.
void Network::overhear(LinkId id, const std::string& frame) {
  if (!by_lot(copied_)) return;
  const LinkId thief = random_.below(links_.size());
  const Link& link = links_[thief];
  const bool can = link.side == Side::workers && link.connected && link.key != links_[id].key;
  if (can) into_broker(thief, frame);
}

bool Network::to_caller(Side side, Peer peer, std::string_view frame) {
  const auto at = by_peer_.find(key_of(side, peer));
  if (at == by_peer_.end()) return false;
  into_caller(at->second, std::string(frame));
  return true;
}

void Network::into_caller(LinkId id, std::string frame) {
  Link& link = links_[id];
  if (is_lost(link.to_caller)) return;
  const bool twice = by_lot(weather_.duplication);
  if (twice) faults_.add(FaultKind::message_duplication);
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    schedule_.at(arrival(link.to_caller), [this, id, epoch = link.epoch, frame] {
      const Link& l = links_[id];
      if (l.epoch != epoch || !l.caller) return;
      trace_.add("to caller", id, frame);
      l.caller->receive(frame);
    });
  }
}

}  // namespace drover::sim
