#include "common/transport/zap.hpp"

#include <zmq.h>

#include <array>
#include <vector>

namespace drover::transport {
namespace {

constexpr const char* kAddress = "inproc://zeromq.zap.01";
constexpr std::string_view kVersion = "1.0";
constexpr std::size_t kRawKeySize = 32;

// The frames of a request (RFC 27); our own sockets alone write them.
constexpr std::size_t kVersionAt = 0, kRequestAt = 1, kAddressAt = 3, kMechanismAt = 5, kKeyAt = 6;
constexpr std::size_t kParts = 7;

}  // namespace

ZapHandler::ZapHandler(Context& context) : Socket(context, zmq::socket_type::rep, {}) {}

Result<ZapHandler> ZapHandler::bind(Context& context) {
  ZapHandler handler(context);
  if (auto bound = handler.Socket::bind(kAddress); !bound) return bound.error();
  return handler;
}

void ZapHandler::answer(const Admit& admit, int most) {
  std::vector<Frame> request;
  for (int i = 0; i < most && receive_parts(request); ++i) {
    const bool readable = request.size() == kParts && request[kVersionAt].view() == kVersion &&
                          request[kMechanismAt].view() == "CURVE" &&
                          request[kKeyAt].size() == kRawKeySize;
    std::string name;
    if (readable) {
      std::array<char, kCurveKeySize + 1> text{};
      const auto raw = request[kKeyAt].view();
      zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
      name = admit({text.data(), std::string(request[kAddressAt].view())});
    }
    reply(request.size() > kRequestAt ? request[kRequestAt].view() : "", name);
  }
}

bool ZapHandler::receive_parts(std::vector<Frame>& into) {
  into.clear();
  for (bool more = true; more;) {
    Frame frame;
    if (!receive_frame(frame, more)) return false;
    into.push_back(std::move(frame));
  }
  return true;
}

// Version, request, status, its text, User-Id, further properties.
void ZapHandler::reply(std::string_view id, const std::string& name) {
  const std::array<std::string_view, 6> answer = {
      kVersion, id, name.empty() ? "400" : "200", name.empty() ? "unknown key" : "welcome",
      name,     ""};
  for (std::size_t i = 0; i < answer.size(); ++i) {
    Frame frame(answer[i]);
    if (send_frame(frame, /*more=*/i + 1 < answer.size()) != Sent::sent) return;
  }
}

}  // namespace drover::transport
