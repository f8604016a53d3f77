// Messages to frames and back; the only place that knows the order of fields and the kinds.
//
// Encoding appends one whole frame to `out`. Decoding never throws and never allocates more than
// the frame has bytes times a small constant; a frame it refuses leaves nothing behind.
#pragma once

#include <string>
#include <string_view>

#include "common/wire/messages.hpp"
#include "common/wire/writer.hpp"

namespace drover::wire {

// The bounds of a message that are checked while reading it.
struct FrameLimits {
  std::size_t message_max = 1024 * 1024;
  std::uint32_t batch_max = 1000;
};

inline constexpr std::uint32_t kHoldsMax = 100'000;  // of a hello or heartbeat

// Each side decodes what it is sent. Errors: MESSAGE_TOO_LARGE, MALFORMED, UNKNOWN_MESSAGE,
// TOO_DEEP, TOO_MANY_ELEMENTS, BATCH_TOO_LARGE, INVALID_ARGUMENT. `peek_request` finds the
// request's number in a frame that was refused, so that the refusal reaches who asked (0 if there
// is none).
Result<ClientMessage> decode_client_message(std::string_view frame, const FrameLimits& limits);
Result<ClientReply> decode_client_reply(std::string_view frame);
Result<WorkerMessage> decode_worker_message(std::string_view frame, const FrameLimits& limits);
Result<WorkerOrder> decode_worker_order(std::string_view frame);
std::uint64_t peek_request(std::string_view frame);

// Whether a client's frame says that it submits tasks; costs nothing, and proves nothing.
bool peek_is_submit(std::string_view frame);

// The task array by itself, as it is stored and assigned.
Result<TaskSpec> decode_task(std::string_view bytes);
void encode_task(const TaskSpec& spec, std::string& out);

void encode(const ClientMessage& message, std::string& out);
void encode(const ClientReply& reply, std::string& out);
void encode(const WorkerMessage& message, std::string& out);
void encode(const WorkerOrder& order, std::string& out);

// Pieces of the broker's replies, for whoever gathers many into one frame: the head of a frame that
// is followed by `count` items, and each item.
void begin_accepted(std::size_t count, std::string& out);
void encode_item(const SubmitReply& reply, std::string& out);
void begin_assign(SessionId session, std::size_t count, std::string& out);
void encode_item(const Assign::Item& item, std::string& out);
void begin_confirm(SessionId session, std::size_t count, std::string& out);
void encode_item(const Verdict& item, std::string& out);
void begin_cancel(SessionId session, std::size_t count, std::string& out);
void encode_item(const CancelAttempts::Item& item, std::string& out);

}  // namespace drover::wire
