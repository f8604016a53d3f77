// The small vocabulary of the wire's tests: a message to a frame and back in one word.
//
// Decoded messages borrow from their frame; a Sent keeps both together.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/wire/codec.hpp"

namespace drover::wire::testing {

template <class Message, class Variant>
inline constexpr bool is_one_of = false;
template <class Message, class... Kinds>
inline constexpr bool is_one_of<Message, std::variant<Kinds...>> =
    (std::is_same_v<Message, Kinds> || ...);

// The family that a message belongs to: who sends it to whom.
template <class Message>
using FamilyOf =
    std::conditional_t<is_one_of<Message, ClientMessage>, ClientMessage,
                       std::conditional_t<is_one_of<Message, ClientReply>, ClientReply,
                                          std::conditional_t<is_one_of<Message, WorkerMessage>,
                                                             WorkerMessage, WorkerOrder>>>;

template <class Family>
Result<Family> decode(std::string_view frame, const FrameLimits& limits = {}) {
  if constexpr (std::is_same_v<Family, ClientMessage>) return decode_client_message(frame, limits);
  if constexpr (std::is_same_v<Family, ClientReply>) return decode_client_reply(frame);
  if constexpr (std::is_same_v<Family, WorkerMessage>) return decode_worker_message(frame, limits);
  if constexpr (std::is_same_v<Family, WorkerOrder>) return decode_worker_order(frame);
}

template <class Message>
std::string frame_of(const Message& message) {
  std::string frame;
  encode(FamilyOf<Message>(message), frame);
  return frame;
}

// A message that has been read from a frame, and the frame.
template <class Message>
struct Sent {
  std::string frame;
  Message message;

  const Message* operator->() const { return &message; }
};

// Reads the frame as a Message; anything else fails the test.
template <class Message>
Sent<Message> received(std::string frame) {
  Sent<Message> sent{std::move(frame), {}};
  const auto decoded = decode<FamilyOf<Message>>(sent.frame);
  if (!decoded) {
    ADD_FAILURE() << "refused: " << decoded.error().message;
  } else if (!std::holds_alternative<Message>(*decoded)) {
    ADD_FAILURE() << "read as another kind, " << decoded->index();
  } else {
    sent.message = std::get<Message>(*decoded);
    EXPECT_EQ(frame_of(sent.message), sent.frame) << "written again, the bytes are others";
  }
  return sent;
}

// The message as its receiver has it.
template <class Message>
Sent<Message> sent(const Message& message) {
  return received<Message>(frame_of(message));
}

// Why a frame is refused: "CODE", or "read".
template <class Family>
std::string verdict(std::string_view frame, const FrameLimits& limits = {}) {
  const auto decoded = decode<Family>(frame, limits);
  if (decoded) return "read";
  EXPECT_FALSE(decoded.error().message.empty());
  return std::string(name_of(decoded.error().code));
}

inline TaskId task_named(char name) {
  TaskId id;
  id.bytes.fill(static_cast<std::uint8_t>(name));
  return id;
}
inline WorkerId worker_named(char name) { return WorkerId{task_named(name).bytes}; }
inline StoreId store_named(char name) { return StoreId{task_named(name).bytes}; }

}  // namespace drover::wire::testing
