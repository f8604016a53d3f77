#include "broker/core/fleet.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace drover::broker {

WorkerIndex Fleet::add(const WorkerId& id, SessionId session, Peer peer) {
  WorkerIndex index;
  if (unused_.empty()) {
    index = end();
    workers_.emplace_back();
  } else {
    index = unused_.back();
    unused_.pop_back();
  }
  Worker& worker = workers_[index];
  worker.id = id;
  worker.session = session;
  worker.peer = peer;
  by_id_[id] = index;
  by_session_[session] = index;
  by_peer_[peer] = index;
  return index;
}

void Fleet::remove(WorkerIndex index) {
  Worker& worker = workers_[index];
  DROVER_ASSERT(worker.leases.empty() && worker.reserved == kNone);
  if (worker.in_use) {
    unfile(index);
    --crews_[worker.offer].members;
  }
  by_id_.erase(worker.id);
  by_session_.erase(worker.session);
  if (find(worker.peer) == index) by_peer_.erase(worker.peer);
  worker = Worker{};
  unused_.push_back(index);
}

void Fleet::set_session(WorkerIndex index, SessionId session) {
  by_session_.erase(workers_[index].session);
  workers_[index].session = session;
  by_session_[session] = index;
}

void Fleet::set_peer(WorkerIndex index, Peer peer) {
  Worker& worker = workers_[index];
  if (worker.peer == peer) return;
  if (find(worker.peer) == index) by_peer_.erase(worker.peer);
  worker.peer = peer;
  worker.unreachable_since = kNever;
  by_peer_[peer] = index;
}

void Fleet::refile(WorkerIndex index, OfferIndex offer) {
  Worker& worker = workers_[index];
  if (worker.in_use) {
    unfile(index);
    --crews_[worker.offer].members;
  }
  if (offer >= crews_.size()) crews_.resize(offer + 1);
  worker.offer = offer;
  worker.in_use = true;
  ++crews_[offer].members;
  if (worker.takes_work()) file(index);
}

void Fleet::file(WorkerIndex index) {
  Worker& worker = workers_[index];
  Crew& crew = crews_[worker.offer];
  worker.bucket = worker.load();
  if (worker.bucket >= crew.free_by_load.size()) crew.free_by_load.resize(worker.bucket + 1);
  Bucket& bucket = crew.free_by_load[worker.bucket];
  worker.free_prev = bucket.tail;
  worker.free_next = kNone;
  (bucket.tail == kNone ? bucket.head : workers_[bucket.tail].free_next) = index;
  bucket.tail = index;
  crew.lowest = crew.free == 0 ? worker.bucket : std::min(crew.lowest, worker.bucket);
  ++crew.free;
  ++free_;
}

void Fleet::unfile(WorkerIndex index) {
  Worker& worker = workers_[index];
  if (worker.bucket == kNone) return;
  Crew& crew = crews_[worker.offer];
  Bucket& bucket = crew.free_by_load[worker.bucket];
  (worker.free_prev == kNone ? bucket.head : workers_[worker.free_prev].free_next) =
      worker.free_next;
  (worker.free_next == kNone ? bucket.tail : workers_[worker.free_next].free_prev) =
      worker.free_prev;
  worker.bucket = kNone;
  --crew.free;
  --free_;
  while (crew.free > 0 && crew.free_by_load[crew.lowest].head == kNone) ++crew.lowest;
}

WorkerIndex Fleet::pick(DemandIndex demand) const {
  WorkerIndex best = kNone;
  for (OfferIndex offer = 0; offer < crews_.size(); ++offer) {
    if (crews_[offer].free == 0 || !demands_.runs(offer, demand)) continue;
    const WorkerIndex candidate = crews_[offer].free_by_load[crews_[offer].lowest].head;
    if (best == kNone || workers_[candidate].load() < workers_[best].load()) best = candidate;
  }
  return best;
}

bool Fleet::can_ever_run(DemandIndex demand) const {
  for (OfferIndex offer = 0; offer < crews_.size(); ++offer) {
    if (crews_[offer].members > 0 && demands_.runs(offer, demand)) return true;
  }
  return false;
}

}  // namespace drover::broker
