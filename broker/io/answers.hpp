// Views of the core as answer bodies: msgpack maps with the names of the JSON interface.
// Ids are texts, instants and durations whole milliseconds; what is not said is left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/core/views.hpp"
#include "broker/store/store.hpp"

namespace drover::broker {

// All that is known of one task. `blob` is the blob of the record at view.where: the task as
// submitted, or the result of a completed one. Fails with INTERNAL if it is not what it should be.
Result<void> encode_task_answer(const TaskView& view, std::string_view blob, std::string& out);

// One line of a list: without payload, result and history.
void encode_task_summary(const TaskView& view, std::string& out);

void encode_task_page(const TaskPage& page, std::string& out);
void encode_dead_page(const TaskPage& page, std::string& out);
void encode_queues(const std::vector<QueueView>& queues, std::string& out);
void encode_workers(const std::vector<WorkerView>& workers, std::string& out);
void encode_books(const std::vector<QueueView>& queues, std::uint64_t seq, const StoreId& store,
                  std::string& out);

// What became of each of several tasks that a client wanted changed.
struct Changed {
  TaskId id;
  Result<TaskState> state;
};
void encode_changed(const std::vector<Changed>& changed, std::string& out);

}  // namespace drover::broker
