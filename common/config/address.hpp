// Addresses as settings hold them: tcp://host:port.
//
// A host is a name, an IPv4 address, an IPv6 address in brackets, or * for all interfaces; a port
// is a number, and 0 or * asks for a free one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drover::config {

struct Address {
  std::string host;  // without brackets
  std::string port;
};

// Reads an address; nullopt if it is none.
std::optional<Address> parse_address(std::string_view text);

// True if nobody on another machine can connect to it: localhost, 127.0.0.0/8, ::1.
bool is_loopback(std::string_view address);

// True if it says which port, rather than that any free one will do.
bool names_port(std::string_view address);

// The address under which a program on this machine reaches what is bound here: all interfaces
// become 127.0.0.1, everything else stays as it is.
std::string reachable_here(std::string_view bound);

}  // namespace drover::config
