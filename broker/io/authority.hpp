// What a known principal may do: the one place where that is decided.
//
// Three questions, in this order. May its role say this at all? Then, does the message name only
// what is within its reach (a tenant other than its own, a queue that its key is not for: FORBIDDEN
// with the field's name)? And is the task, queue or event within its reach? What is not, is for the
// asker as if it were not there: NOT_FOUND by id, left out of lists, pages and totals.
//
//                     producer  subscriber  service  worker  operator
//   connect, ping        x          x          x        x        x
//   look at tasks,       x          x          x                 x      wait show list queues
//    queues, events                                                     dead_letters stats books
//    events
//    settings gates
//   submit cancel retry  x                                       x
//   set                                                          x
//   workers                                    x                 x
//   the workers' socket                                 x        x
//
// The reach of a key is its tenant and, if it names any, its queues; a key without a tenant reaches
// all. Pure; O(queues of the key).
#pragma once

#include <string_view>

#include "broker/core/settings.hpp"
#include "broker/core/views.hpp"
#include "broker/io/principal.hpp"
#include "common/base/result.hpp"
#include "common/task/task_spec.hpp"
#include "common/wire/messages.hpp"

namespace drover::broker {

// FORBIDDEN, with what the role may not do.
Result<void> may_say(Role role, const wire::ClientMessage& message);
Result<void> may_say(Role role, const wire::WorkerMessage& message);

// True if nothing is out of its reach.
inline bool reaches_all(const Principal& who) { return who.tenant.empty() && who.queues.empty(); }

// Whether a task, or an event of one, in this queue is within reach.
bool reaches(const Principal& who, std::string_view tenant, std::string_view queue);

// FORBIDDEN if the settings are out of reach.
Result<void> may_see(const Principal& who, const SettingHolder& holder);
// The same, and those of a tenant are for who reaches all tenants, those of a key for who reaches
// all queues.
Result<void> may_set(const Principal& who, const SettingHolder& holder);

// FORBIDDEN with field `tenant` or `queue`. A task that names no tenant is of the tenant `default`,
// whoever submits it.
Result<void> may_submit(const Principal& who, const TaskSpec& task);

// Leaves of what is asked for what is within reach. FORBIDDEN with field `tenant` or `queue` if the
// filter names another.
Result<void> narrow(const Principal& who, TaskFilter& filter);

// Whether events whose topic begins with `prefix` may be asked for: FORBIDDEN with field `prefix`
// if none of them can be within reach.
Result<void> may_ask_events(const Principal& who, std::string_view prefix);

// Whether a subscription to the bus is entered. All events that it selects must be within reach, or
// it is the tick.
bool may_subscribe(const Principal& who, std::string_view prefix);

}  // namespace drover::broker
