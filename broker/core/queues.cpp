#include "broker/core/queues.hpp"

#include <numeric>

#include "broker/core/planted.hpp"
#include "common/wire/reader.hpp"
#include "common/wire/writer.hpp"

namespace drover::broker {
namespace {

constexpr std::array kTotals = {TaskState::completed, TaskState::cancelled, TaskState::expired};

bool counts_in_length(TaskState state) {
  return state == TaskState::blocked || state == TaskState::scheduled ||
         state == TaskState::ready || state == TaskState::retrying || state == TaskState::dead;
}

}  // namespace

std::uint64_t QueueBooks::length() const {
  const auto& self = *this;
  return self[TaskState::blocked] + self[TaskState::scheduled] + self[TaskState::ready] +
         self[TaskState::retrying] + self[TaskState::dead];
}

bool QueueBooks::balance() const {
  return submitted == std::accumulate(by_state.begin(), by_state.end(), purged);
}

std::string Queues::key_of(std::string_view tenant, std::string_view name) {
  std::string key(tenant);
  key += '/';  // not a character of names
  key += name;
  return key;
}

std::uint32_t Queues::find(std::string_view tenant, std::string_view name) const {
  const auto at = by_name_.find(key_of(tenant, name));
  return at == by_name_.end() ? kNone : at->second;
}

std::uint32_t Queues::tenant_number(std::string_view tenant) const {
  const auto at = tenant_by_name_.find(std::string(tenant));
  return at == tenant_by_name_.end() ? kNone : at->second;
}

std::uint32_t Queues::find_or_add_tenant(std::string_view tenant) {
  const auto number = static_cast<std::uint32_t>(tenants_.size());
  const auto [at, is_new] = tenant_by_name_.try_emplace(std::string(tenant), number);
  if (is_new) tenants_.emplace_back().name = tenant;
  return at->second;
}

void Queues::count(std::uint32_t index, TaskState state, int by) {
  Queue& queue = queues_[index];
  const auto step = static_cast<std::uint64_t>(static_cast<std::int64_t>(by));
  queue.books[state] += step;
  if (counts_in_length(state)) tenants_[queue.tenant_number].length += step;
}

std::uint32_t Queues::find_or_add(std::string_view tenant, std::string_view name,
                                  std::size_t most) {
  const auto index = find(tenant, name);
  if (index != kNone) return index;
  if (queues_.size() >= most) return kNone;
  const auto added = static_cast<std::uint32_t>(queues_.size());
  Queue& queue = queues_.emplace_back();
  queue.tenant = tenant;
  queue.name = name;
  queue.tenant_number = find_or_add_tenant(tenant);
  by_name_.emplace(key_of(tenant, name), added);
  return added;
}

void Queues::spend_all(Instant now) {
  for (Queue& queue : queues_) queue.submissions.spend_all(now);
  for (Tenant& tenant : tenants_) tenant.submissions.spend_all(now);
}

std::string Queues::save(std::uint64_t next_admission) const {
  std::string bytes;
  wire::Writer w(bytes);
  w.array(2).uint(next_admission).array(queues_.size());
  for (const Queue& queue : queues_) {
    w.array(7).str(queue.tenant).str(queue.name).uint(queue.books.submitted);
    w.uint(planted(Planted::books_not_carried) ? 0 : queue.books.purged);
    for (const auto state : kTotals) w.uint(queue.books[state]);
  }
  return bytes;
}

Result<std::uint64_t> Queues::load(std::string_view bytes) {
  wire::Reader r(bytes);
  const auto fields = r.array();
  const std::uint64_t next_admission = r.uint();
  const auto count = r.array();
  for (std::uint32_t i = 0; i < count && !r.failed(); ++i) {
    const auto queue_fields = r.array();
    const auto tenant = r.str();
    const auto name = r.str();
    QueueBooks& books = queues_[find_or_add(tenant, name, SIZE_MAX)].books;
    books.submitted = r.uint();
    books.purged = r.uint();
    for (const auto state : kTotals) books[state] = r.uint();
    wire::skip_rest(r, queue_fields, 7);
  }
  wire::skip_rest(r, fields, 2);
  if (r.failed()) return r.error();
  return next_admission;
}

}  // namespace drover::broker
