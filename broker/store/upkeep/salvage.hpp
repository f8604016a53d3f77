// Salvage: what is whole in a damaged store becomes a new store, and what is missing is named.
//
// The damaged store is only read. The new one has a new id and one whole record for each task that
// is still known, as cleaning writes it, the idempotency keys, and books that balance; its events
// are numbered from 1 again. It is verified as a broker would read it before anybody says yes.
//
// A task whose newest record was lost is kept as the newest one that is left says: it may run again
// although it has ended meanwhile. Losing it is the other choice, and tasks are delivered at least
// once, never at most once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/store/upkeep/survey.hpp"
#include "broker/store/upkeep/verify.hpp"
#include "common/task/task_state.hpp"

namespace drover::broker::upkeep {

// A task that is not what it was, as far as it is still known.
struct Affected {
  TaskId task;
  std::string tenant, queue, type;
  TaskState state = TaskState::ready;  // of its newest record that could be read
};

inline constexpr std::size_t kAffectedMax = 10'000;  // listed; all are counted

struct Salvaged {
  StoreId from;
  std::vector<Gap> gaps;
  std::uint64_t records = 0;     // that were whole
  std::uint64_t unreadable = 0;  // whole, yet without a sense; left out

  // Events that are gone for good; nullopt where nothing tells how many.
  std::optional<std::uint64_t> events_missing = 0;

  // Kept, and may have gone further than it is known: at most as many of them as events are
  // missing. Tasks that have ended are not among them, although a person may have retried one.
  std::uint64_t uncertain_count = 0;
  std::vector<Affected> uncertain;

  // Known by later records alone: what they carry (payload or result) is gone, and they are with
  // it.
  std::uint64_t lost_count = 0;
  std::vector<Affected> lost;

  Verified made;
};

// Makes the new store in `to`. Errors: NOT_FOUND, STORE_IN_USE, STORE_TOO_NEW, CONFLICT if `to`
// holds a store, and those of writing.
Result<Salvaged> salvage(const std::string& from, const std::string& to);

}  // namespace drover::broker::upkeep
