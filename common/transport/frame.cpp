#include "common/transport/frame.hpp"

#include <memory>

namespace drover::transport {
namespace {

constexpr std::size_t kWorthTaking = 4096;

void release(void*, void* holder) { delete static_cast<std::string*>(holder); }

}  // namespace

Frame Frame::adopt(std::string&& bytes) {
  if (bytes.size() < kWorthTaking) return Frame(std::string_view(bytes));
  auto holder = std::make_unique<std::string>(std::move(bytes));
  Frame frame;
  frame.message_.rebuild(holder->data(), holder->size(), &release, holder.get());
  static_cast<void>(holder.release());  // frees itself through release()
  return frame;
}

std::string_view Frame::user_id() const {
  const char* name = zmq_msg_gets(message_.handle(), "User-Id");
  return name != nullptr ? std::string_view(name) : std::string_view();
}

}  // namespace drover::transport
