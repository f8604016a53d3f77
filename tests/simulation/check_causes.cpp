// What was said that explains a decision.

#include <algorithm>

#include "tests/simulation/checker.hpp"

namespace drover::sim {

// The item of this attempt in a message of whoever holds it; nullptr if there is none.
template <class Message>
static const typename Message::Item* item_of(const wire::WorkerMessage& message,
                                             const TaskEntry& entry) {
  const auto* said = std::get_if<Message>(&message);
  if (!said) return nullptr;
  for (const auto& item : said->items) {
    if (item.task == entry.facts.id && entry.life.is_live(item.attempt)) return &item;
  }
  return nullptr;
}

const wire::Done::Item* Checker::done_item(const TaskEntry& entry) const {
  if (cause_.kind != Cause::Kind::worker || entry.life.leases.empty()) return nullptr;
  if (cause_.sender != entry.life.leases.back().worker) return nullptr;
  return item_of<wire::Done>(cause_.worker_message, entry);
}

const wire::Failed::Item* Checker::failed_item(const TaskEntry& entry) const {
  if (cause_.kind != Cause::Kind::worker || entry.life.leases.empty()) return nullptr;
  if (cause_.sender != entry.life.leases.back().worker) return nullptr;
  return item_of<wire::Failed>(cause_.worker_message, entry);
}

bool Checker::has_released(const TaskEntry& entry) const {
  if (cause_.kind != Cause::Kind::worker || entry.life.leases.empty()) return false;
  if (cause_.sender != entry.life.leases.back().worker) return false;
  if (std::holds_alternative<wire::Bye>(cause_.worker_message)) return true;
  const auto* released = std::get_if<wire::Released>(&cause_.worker_message);
  if (!released) return false;
  return std::any_of(released->items.begin(), released->items.end(), [&](const wire::Hold& hold) {
    return hold.task == entry.facts.id && entry.life.is_live(hold.attempt);
  });
}

bool Checker::is_asked_by_client(const TaskId& id, bool retry) const {
  if (cause_.kind != Cause::Kind::client) return false;
  const auto names = [&](const auto* message) {
    return message &&
           std::find(message->tasks.begin(), message->tasks.end(), id) != message->tasks.end();
  };
  return retry ? names(std::get_if<wire::Retry>(&cause_.client_message))
               : names(std::get_if<wire::Cancel>(&cause_.client_message));
}

}  // namespace drover::sim
