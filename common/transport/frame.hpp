// One frame: the bytes of a message, owned by ZeroMQ so that they move between threads and sockets
// without being copied.
//
// Frames of up to 33 bytes live inside the object, longer ones in one block. A frame received
// shares its block with the network buffer that it came in; hold on to few of them for long.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <zmq.hpp>

namespace drover::transport {

class Frame {
 public:
  Frame() = default;

  // Copies the bytes, once.
  explicit Frame(std::string_view bytes) : message_(bytes.data(), bytes.size()) {}

  // Takes the string over. Worth it from a few kilobytes on; shorter ones are copied.
  static Frame adopt(std::string&& bytes);

  // The bytes; valid while the frame lives and is not moved from.
  std::string_view view() const {
    return {static_cast<const char*>(message_.data()), message_.size()};
  }
  std::size_t size() const { return message_.size(); }

  // What the ZapHandler calls the sender; "" for a sender who proved nothing. Valid
  // while the frame lives and is not moved from.
  std::string_view user_id() const;

  // Of the TCP connection that it came over; -1 without one.
  int descriptor() const { return zmq_msg_get(message_.handle(), ZMQ_SRCFD); }

  // For the sockets.
  zmq::message_t& zmq() { return message_; }

 private:
  zmq::message_t message_;
};

}  // namespace drover::transport
