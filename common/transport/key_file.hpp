// Files that keep a process's key pair:
//
//   # A key pair of Drover. Whoever has secret_key is taken for its owner.
//   public_key: "…"
//   secret_key: "…"
//
// They are made with mode 0600 and read only while they are regular files of the process's own user
// that nobody else may open; a link to such a file will do.
#pragma once

#include <string>

#include "common/transport/curve.hpp"

namespace drover::transport {

// Errors: BAD_CONFIGURATION with the path, and where others may open the file its mode; or with
// what is wrong in it.
Result<KeyPair> read_key_file(const std::string& path);

// Durable when it returns. Errors: CONFLICT if the file exists, it is left as it is; IO_FAILED.
Result<void> write_key_file(const std::string& path, const KeyPair& keys);

// What a process that connects is told of keys: the settings security.*.
struct ClientKeys {
  std::string key_file;
  std::string server_key;       // the broker's public key,
  std::string server_key_file;  // or the file with nothing else in it
};

// The keys to connect with; none while nothing is set. Error: BAD_CONFIGURATION with the setting.
Result<Curve> read_client_keys(const ClientKeys& settings);

}  // namespace drover::transport
