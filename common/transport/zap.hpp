// Says who may connect to the secured sockets of its context (ZAP 1.0, ZeroMQ RFC 27).
//
// libzmq asks during the handshake of every connection, and lets everybody in when nobody is bound
// to be asked. So the handler is bound before any socket is, only it gives out what secures one
// (guard), and it belongs to the thread that owns those sockets: there is no other that could stop
// answering. Even so a frame without User-Id (Frame::user_id) must never be taken.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/transport/curve.hpp"
#include "common/transport/socket.hpp"

namespace drover::transport {

class ZapHandler : public Socket {
 public:
  // One for a context. Error: BAD_CONFIGURATION if there is one already.
  static Result<ZapHandler> bind(Context& context);

  // Secures a socket of the same context: its peers need a key that admit() knows. The handler must
  // outlive the socket.
  CurveServer guard(KeyPair keys) const { return CurveServer(std::move(keys)); }

  // Who connects: the public key that it has proved to own, and its IP address.
  struct Request {
    std::string public_key;
    std::string address;
  };

  // What the peer's frames will bear as User-Id, at most 255 bytes; "" refuses.
  using Admit = std::function<std::string(const Request&)>;

  // Answers at most `most` of the requests that are there. Call it when the socket is readable.
  void answer(const Admit& admit, int most);

 private:
  explicit ZapHandler(Context& context);
  bool receive_parts(std::vector<Frame>& parts);
  void reply(std::string_view request_id, const std::string& name);
};

}  // namespace drover::transport
