// Records as the status bus tells them.
//
// The same function makes an event when it happens and when it is replayed from the journal, so
// both are the same bytes but for nothing. Names and shapes: schemas/wire/messages.yaml, "bus".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core/record.hpp"
#include "common/wire/messages.hpp"

namespace drover::broker {

// "task.completed" and so on; empty for records that are no events.
std::string_view event_type(RecordKind kind);

// "tenant/type/queue-or-kind/subject".
std::string topic_of(const Record& record);

// Appends the event's map. `seq` is the record's number.
void encode_event(const Record& record, std::uint64_t seq, const StoreId& store, std::string& out);

// The events without a number.
std::string progress_topic(const Record& task);
void encode_progress(const Record& task, const wire::Progress::Item& item, const StoreId& store,
                     std::string& out);
inline constexpr std::string_view kTickTopic = "_system/bus/tick";
void encode_tick(std::uint64_t seq, Instant now, const StoreId& store, std::string& out);

}  // namespace drover::broker
