// CURVE: who a process is, and whom it talks to.
//
// Everybody has a key pair. A broker is known by its public key, which those who connect are told
// beforehand, so nobody can stand between; a client is known by its own, which the broker's
// allow-list names (zap.hpp). Keys are texts of 40 characters of Z85.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/curve_key.hpp"
#include "common/base/result.hpp"

namespace drover::transport {

// A secret key, wiped from memory when it is dropped. It is handed to libzmq and to the file that
// keeps it, and is never part of a message or a line of the log.
class SecretKey {
 public:
  SecretKey() = default;
  // The first 40 characters of `text`.
  explicit SecretKey(std::string_view text);
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();

  // Ends with a zero; valid while the key lives.
  const char* reveal() const { return text_.data(); }

 private:
  std::array<char, kCurveKeySize + 1> text_{};
};

struct KeyPair {
  std::string public_key;
  SecretKey secret_key;

  // Error: INTERNAL if this libzmq was built without CURVE.
  static Result<KeyPair> generate();

  // Derives the public half. Errors: BAD_CONFIGURATION for a text that is no key, and for keys that
  // everybody has; the message does not hold the text.
  static Result<KeyPair> from_secret(std::string_view secret_key);
};

// For a socket that binds: every peer must know this pair's public half, and the handler that this
// comes from (ZapHandler::guard) says who else may come.
struct CurveServer {
  KeyPair keys;

 private:
  friend class ZapHandler;
  explicit CurveServer(KeyPair k) : keys(std::move(k)) {}
};

// For a socket that connects.
struct CurveClient {
  KeyPair keys;
  std::string server_key;  // the broker's public key
};

// How a socket is secured; std::monostate: not at all.
using Curve = std::variant<std::monostate, CurveServer, CurveClient>;

}  // namespace drover::transport
