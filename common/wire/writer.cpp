#include "common/wire/writer.hpp"

#include <msgpack.hpp>

namespace drover::wire {
namespace {

struct Appender {
  std::string& out;
  void write(const char* bytes, std::size_t count) { out.append(bytes, count); }
};

class Packer {
 public:
  explicit Packer(std::string& out) : appender_{out}, packer_(appender_) {}
  msgpack::packer<Appender>* operator->() { return &packer_; }

 private:
  Appender appender_;
  msgpack::packer<Appender> packer_;
};

}  // namespace

Writer& Writer::array(std::size_t count) {
  Packer(out_)->pack_array(static_cast<std::uint32_t>(count));
  return *this;
}

Writer& Writer::map(std::size_t count) {
  Packer(out_)->pack_map(static_cast<std::uint32_t>(count));
  return *this;
}

Writer& Writer::nil() {
  out_.push_back(static_cast<char>(0xc0));
  return *this;
}

Writer& Writer::boolean(bool value) {
  out_.push_back(static_cast<char>(value ? 0xc3 : 0xc2));
  return *this;
}

Writer& Writer::uint(std::uint64_t value) {
  Packer(out_)->pack_uint64(value);
  return *this;
}

Writer& Writer::sint(std::int64_t value) {
  Packer(out_)->pack_int64(value);
  return *this;
}

Writer& Writer::real(double value) {
  Packer(out_)->pack_double(value);
  return *this;
}

Writer& Writer::str(std::string_view text) {
  Packer(out_)->pack_str(static_cast<std::uint32_t>(text.size()));
  out_.append(text);
  return *this;
}

Writer& Writer::bin(std::string_view bytes) {
  Packer(out_)->pack_bin(static_cast<std::uint32_t>(bytes.size()));
  out_.append(bytes);
  return *this;
}

Writer& Writer::raw(std::string_view value) {
  out_.append(value);
  return *this;
}

Writer& Writer::instant(Instant at) { return at == kNever ? nil() : sint(to_ms(at)); }

Writer& Writer::span(const std::optional<Duration>& duration) {
  return duration ? span(*duration) : nil();
}

}  // namespace drover::wire
