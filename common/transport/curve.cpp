#include "common/transport/curve.hpp"

#include <fmt/format.h>
#include <string.h>
#include <zmq.h>

#include <algorithm>

namespace drover::transport {
namespace {

using Text = std::array<char, kCurveKeySize + 1>;

}  // namespace

SecretKey::SecretKey(std::string_view text) {
  std::copy_n(text.data(), std::min(text.size(), kCurveKeySize), text_.begin());
}

SecretKey::~SecretKey() { explicit_bzero(text_.data(), text_.size()); }

Result<KeyPair> KeyPair::generate() {
  Text open{}, secret{};
  if (zmq_curve_keypair(open.data(), secret.data()) != 0) {
    return Error{Errc::internal, fmt::format("cannot make keys: {}", zmq_strerror(zmq_errno()))};
  }
  KeyPair pair{open.data(), SecretKey(secret.data())};
  explicit_bzero(secret.data(), secret.size());
  return pair;
}

Result<KeyPair> KeyPair::from_secret(std::string_view secret_key) {
  if (!is_curve_key(secret_key)) {
    return Error{Errc::bad_configuration, "expected a secret key of 40 characters"};
  }
  KeyPair pair{"", SecretKey(secret_key)};
  Text open{};
  if (zmq_curve_public(open.data(), pair.secret_key.reveal()) != 0) {
    return Error{Errc::bad_configuration, "this is no secret key"};
  }
  pair.public_key = open.data();
  if (auto good = check_public_key(pair.public_key); !good) return good.error();
  return pair;
}

}  // namespace drover::transport
