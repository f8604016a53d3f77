#include "broker/core/lines.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace drover::broker {
namespace {

// One task at weight 1. Weights are 1 to 100, so a share is never rounded by more than a millionth.
constexpr std::uint64_t kTurn = 100'000'000;

// Empty flows kept for their tenant's next task; more than these are taken apart.
constexpr std::size_t kSpareFlows = 4096;

std::uint64_t key_of(std::uint64_t high, std::uint64_t low) { return (high << 32) | low; }

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

std::uint32_t Lines::lane_of(Priority level, DemandIndex demand) {
  const auto [at, is_new] =
      lane_by_key_.try_emplace(key_of(static_cast<std::uint64_t>(level), demand), 0);
  if (is_new) {
    at->second = static_cast<std::uint32_t>(lanes_.size());
    lanes_.push_back({demand, kNone, IndexedHeap<std::uint32_t, FlowRules>(FlowRules{this})});
  }
  return at->second;
}

std::uint32_t Lines::account_of(Priority level, std::uint32_t tenant) {
  const auto [at, is_new] =
      account_by_key_.try_emplace(key_of(static_cast<std::uint64_t>(level), tenant), 0);
  if (is_new) {
    at->second = static_cast<std::uint32_t>(accounts_.size());
    accounts_.emplace_back();
  }
  return at->second;
}

std::uint32_t Lines::flow_of(Priority level, DemandIndex demand, std::uint32_t tenant) {
  const std::uint32_t lane = lane_of(level, demand);
  const std::uint32_t account = account_of(level, tenant);
  const auto [at, is_new] = flow_by_key_.try_emplace(key_of(lane, account), 0);
  if (!is_new) return at->second;
  if (free_flows_.empty()) {
    at->second = static_cast<std::uint32_t>(flows_.size());
    flows_.emplace_back();
  } else {
    at->second = free_flows_.back();
    free_flows_.pop_back();
  }
  flows_[at->second] = {{}, lane, account, kNone};
  return at->second;
}

void Lines::activate(std::uint32_t flow, Level& level) {
  Flow& f = flows_[flow];
  Account& account = accounts_[f.account];
  if (account.flows.empty()) {
    account.virtual_time = std::max(account.virtual_time, level.virtual_time);
  }
  account.flows.push_back(flow);
  Lane& lane = lanes_[f.lane];
  if (lane.flows.empty()) {
    lane.busy_position = static_cast<std::uint32_t>(level.busy.size());
    level.busy.push_back(f.lane);
  }
  lane.flows.push(flow);
}

void Lines::deactivate(std::uint32_t flow, Level& level) {
  Flow& f = flows_[flow];
  Account& account = accounts_[f.account];
  account.flows.erase(std::find(account.flows.begin(), account.flows.end(), flow));
  Lane& lane = lanes_[f.lane];
  if (lane.flows.empty()) {
    const std::uint32_t last = level.busy.back();
    level.busy[lane.busy_position] = last;
    lanes_[last].busy_position = lane.busy_position;
    level.busy.pop_back();
    lane.busy_position = kNone;
  }
  if (flows_.size() - free_flows_.size() > kSpareFlows) {
    flow_by_key_.erase(key_of(f.lane, f.account));
    f = {};
    free_flows_.push_back(flow);
  }
}

void Lines::join(TaskIndex task, std::uint32_t tenant) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::none);
  slot.place = Place::line;
  Level& level = levels_[static_cast<std::size_t>(slot.priority)];
  const std::uint32_t flow = flow_of(slot.priority, slot.demand, tenant);
  flows_[flow].tasks.push_back(tasks_, task);
  ++level.count;
  if (flows_[flow].tasks.count == 1) activate(flow, level);
}

void Lines::remove(TaskIndex task, std::uint32_t flow) {
  TaskSlot& slot = tasks_[task];
  DROVER_ASSERT(slot.place == Place::line);
  Level& level = levels_[static_cast<std::size_t>(slot.priority)];
  Flow& f = flows_[flow];
  const bool was_head = f.tasks.head == task;
  if (f.tasks.count == 1) lanes_[f.lane].flows.erase(f.position);
  f.tasks.remove(tasks_, task);
  slot.place = Place::none;
  --level.count;
  if (f.tasks.empty()) {
    deactivate(flow, level);
  } else if (was_head) {
    lanes_[f.lane].flows.update(f.position);
  }
}

void Lines::leave(TaskIndex task, std::uint32_t tenant) {
  remove(task, flow_of(tasks_[task].priority, tasks_[task].demand, tenant));
}

void Lines::take(TaskIndex task, std::uint32_t tenant) {
  const TaskSlot& slot = tasks_[task];
  Level& level = levels_[static_cast<std::size_t>(slot.priority)];
  const std::uint32_t flow = flow_of(slot.priority, slot.demand, tenant);
  const std::uint32_t account = flows_[flow].account;
  remove(task, flow);
  level.virtual_time = accounts_[account].virtual_time;
  accounts_[account].virtual_time += kTurn;
  for (const std::uint32_t other : accounts_[account].flows) {
    lanes_[flows_[other].lane].flows.update(flows_[other].position);
  }
}

}  // namespace drover::broker
