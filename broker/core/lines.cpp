#include "broker/core/lines.hpp"

#include <algorithm>

#include "broker/core/planted.hpp"
#include "common/base/assert.hpp"

namespace drover::broker {
namespace {

// One task at weight 1. Weights are 1 to 100, so a share is never rounded by more than a millionth.
constexpr std::uint64_t kTurn = 100'000'000;

// Empty flows kept for their tenant's next task; more than these are taken apart.
constexpr std::size_t kSpareFlows = 4096;

constexpr std::uint8_t kAgingTop = static_cast<std::uint8_t>(Priority::high);
constexpr int kAgingsAtOnce = 1000;  // bounds one call

std::uint64_t key_of(std::uint64_t high, std::uint64_t low) { return (high << 32) | low; }
std::uint8_t level_of(Priority priority) { return static_cast<std::uint8_t>(priority); }

}  // namespace

// The flow whose head goes first.
bool Lines::before(std::uint32_t a, std::uint32_t b) const {
  const auto time_a = accounts_[flows_[a].account].virtual_time;
  const auto time_b = accounts_[flows_[b].account].virtual_time;
  if (time_a != time_b) return time_a < time_b;
  const TaskSlot& x = tasks_[flows_[a].tasks.head];
  const TaskSlot& y = tasks_[flows_[b].tasks.head];
  if (x.ready_at != y.ready_at) return x.ready_at < y.ready_at;
  return x.admission < y.admission;
}

std::uint32_t Lines::lane_of(std::uint8_t level, DemandIndex demand) {
  const auto [at, is_new] = levels_[level].lanes.try_emplace(demand, 0);
  if (is_new) {
    at->second = static_cast<std::uint32_t>(lanes_.size());
    lanes_.push_back({demand, kNone, IndexedHeap<std::uint32_t, FlowRules>(FlowRules{this})});
  }
  return at->second;
}

std::uint32_t Lines::account_of(std::uint8_t level, std::uint32_t tenant) {
  const auto [at, is_new] = levels_[level].accounts.try_emplace(tenant, 0);
  if (is_new) {
    at->second = static_cast<std::uint32_t>(accounts_.size());
    accounts_.emplace_back();
  }
  return at->second;
}

std::uint32_t Lines::flow_of(Priority priority, DemandIndex demand, std::uint32_t tenant) {
  const auto [at, is_new] =
      levels_[drover::broker::level_of(priority)].flows.try_emplace(key_of(demand, tenant), 0);
  if (!is_new) return at->second;
  if (free_flows_.empty()) {
    at->second = static_cast<std::uint32_t>(flows_.size());
    flows_.emplace_back();
  } else {
    at->second = free_flows_.back();
    free_flows_.pop_back();
  }
  Flow& flow = flows_[at->second];
  flow = {};
  flow.priority = priority;
  flow.demand = demand;
  flow.tenant = tenant;
  return at->second;
}

// Where its head stands by now.
std::uint8_t Lines::level_of(const Flow& flow) const {
  const std::uint8_t own = drover::broker::level_of(flow.priority);
  if (aging_ <= 0ms || own >= kAgingTop || planted(Planted::aging_ignored)) return own;
  const Duration waited = now_ - tasks_[flow.tasks.head].ready_at;
  const int top = planted(Planted::aging_unbounded) ? kPriorities - 1 : kAgingTop;
  const auto steps = std::clamp<std::int64_t>(waited / aging_, 0, top - own);
  return static_cast<std::uint8_t>(own + steps);
}

void Lines::seat(std::uint32_t flow) {
  Flow& f = flows_[flow];
  f.level = level_of(f);
  f.lane = lane_of(f.level, f.demand);
  f.account = account_of(f.level, f.tenant);
  Level& level = levels_[f.level];
  Account& account = accounts_[f.account];
  if (account.flows.empty()) {
    account.virtual_time = std::max(account.virtual_time, level.virtual_time);
  }
  account.flows.push_back(flow);
  if (is_raised(f)) ++account.raised;
  Lane& lane = lanes_[f.lane];
  if (lane.flows.empty()) {
    lane.busy_position = static_cast<std::uint32_t>(level.busy.size());
    level.busy.push_back(f.lane);
  }
  lane.flows.push(flow);
  note_aging(flow);
}

void Lines::unseat(std::uint32_t flow) {
  Flow& f = flows_[flow];
  Level& level = levels_[f.level];
  Account& account = accounts_[f.account];
  account.flows.erase(std::find(account.flows.begin(), account.flows.end(), flow));
  if (is_raised(f)) --account.raised;
  Lane& lane = lanes_[f.lane];
  lane.flows.erase(f.position);
  if (lane.flows.empty()) {
    const std::uint32_t last = level.busy.back();
    level.busy[lane.busy_position] = last;
    lanes_[last].busy_position = lane.busy_position;
    level.busy.pop_back();
    lane.busy_position = kNone;
  }
  f.lane = f.account = kNone;
}

// Its head has changed, or has stood longer.
void Lines::reseat(std::uint32_t flow) {
  Flow& f = flows_[flow];
  if (f.level == level_of(f)) {
    lanes_[f.lane].flows.update(f.position);
    note_aging(flow);
  } else {
    unseat(flow);
    seat(flow);
  }
}

// The flow is looked at when its head rises. A note that comes too early costs that look.
void Lines::note_aging(std::uint32_t flow) {
  Flow& f = flows_[flow];
  if (aging_ <= 0ms || f.level >= kAgingTop || planted(Planted::aging_ignored)) return;
  const int steps = f.level - drover::broker::level_of(f.priority) + 1;
  const Instant at = tasks_[f.tasks.head].ready_at + steps * aging_;
  if (f.noted <= at) return;
  if (f.noted != kNever) agings_.erase({f.noted, flow});
  agings_.insert({at, flow});
  f.noted = at;
}

void Lines::age(Instant now) {
  now_ = now;
  for (int i = 0; i < kAgingsAtOnce && next_aging() <= now; ++i) {
    const std::uint32_t flow = agings_.begin()->second;
    agings_.erase(agings_.begin());
    flows_[flow].noted = kNever;
    if (!flows_[flow].tasks.empty()) reseat(flow);
  }
}

void Lines::give_up(std::uint32_t flow) {
  Flow& f = flows_[flow];
  if (f.noted != kNever) agings_.erase({f.noted, flow});
  levels_[drover::broker::level_of(f.priority)].flows.erase(key_of(f.demand, f.tenant));
  f = {};
  free_flows_.push_back(flow);
}

void Lines::join(TaskIndex task, std::uint32_t tenant) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::none);
  slot.place = Place::line;
  const std::uint32_t flow = flow_of(slot.priority, slot.demand, tenant);
  TaskList& tasks = flows_[flow].tasks;
  if (slot.was_let_out) {
    tasks.insert_by_age(tasks_, task);
  } else {
    tasks.push_back(tasks_, task);
  }
  if (tasks.count == 1) {
    seat(flow);
  } else if (tasks.head == task) {
    reseat(flow);
  }
}

void Lines::remove(TaskIndex task, std::uint32_t flow) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::line);
  Flow& f = flows_[flow];
  const bool was_head = f.tasks.head == task;
  if (f.tasks.count == 1) unseat(flow);  // while it still has a head to be compared by
  f.tasks.remove(tasks_, task);
  slot.place = Place::none;
  if (!f.tasks.empty()) {
    if (was_head) reseat(flow);
  } else if (flows_.size() - free_flows_.size() > kSpareFlows) {
    give_up(flow);
  }
}

void Lines::leave(TaskIndex task, std::uint32_t tenant) {
  remove(task, flow_of(tasks_[task].priority, tasks_[task].demand, tenant));
}

void Lines::take(TaskIndex task, std::uint32_t tenant) {
  const TaskSlot& slot = tasks_[task];
  const std::uint32_t flow = flow_of(slot.priority, slot.demand, tenant);
  const std::uint32_t account = flows_[flow].account;
  Level& level = levels_[flows_[flow].level];
  remove(task, flow);
  level.virtual_time = accounts_[account].virtual_time;
  charge(account, kTurn / weight_of(tenant));
}

// All flows of the account go back in their lanes. Where a lane has several of them, the deepest
// goes first: what is below each is in order then.
void Lines::charge(std::uint32_t index, std::uint64_t by) {
  Account& account = accounts_[index];
  account.virtual_time += by;
  if (account.raised > 0) {
    std::sort(account.flows.begin(), account.flows.end(),
              [&](auto a, auto b) { return flows_[a].position > flows_[b].position; });
  }
  for (const std::uint32_t flow : account.flows) {
    lanes_[flows_[flow].lane].flows.update(flows_[flow].position);
  }
}

void Lines::set_weight(std::uint32_t tenant, std::uint32_t weight) {
  if (tenant >= weights_.size()) weights_.resize(tenant + 1, 1);
  weights_[tenant] = weight;
}

}  // namespace drover::broker
