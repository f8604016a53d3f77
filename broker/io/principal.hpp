// Who speaks: the name, role and reach of the key behind a connection.
//
// On a secured broker every frame carries the name of the key that its sender proved to own
// (ZeroMQ's User-Id); the allow-list gives the principal to the name. On a broker without keys
// everybody is the operator.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::broker {

// Written producer, worker, subscriber, service and operator.
enum class Role : std::uint8_t {
  producer,    // submits tasks of its tenant and looks at them
  worker,      // runs tasks of its tenant
  subscriber,  // listens to its tenant's events and asks
  service,     // a process of the fleet itself, such as the gateway
  operator_,   // may do everything
};

inline constexpr std::array<std::string_view, 5> kRoleNames = {"producer", "worker", "subscriber",
                                                               "service", "operator"};

constexpr std::string_view name_of(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

constexpr std::optional<Role> parse_role(std::string_view name) {
  for (std::size_t i = 0; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

// True if a key of that role may stand for every tenant; the others name one.
constexpr bool may_be_of_any_tenant(Role role) {
  return role == Role::service || role == Role::operator_;
}

struct Principal {
  std::string name;  // of the key: unique in its allow-list
  Role role = Role::producer;
  std::string tenant;               // empty: any (services and operators only)
  std::vector<std::string> queues;  // empty: all

  bool operator==(const Principal&) const = default;
};

// Who speaks to a broker without keys.
inline Principal everybody() { return {"everybody", Role::operator_, {}, {}}; }

// What became of those who wanted to speak.
struct DoorFigures {
  bool secured = false;
  std::uint64_t keys = 0;          // in the list
  std::uint64_t unknown_keys = 0;  // handshakes with a key that is not in the list
  std::uint64_t unnamed = 0;       // frames that came without a key, and were dropped
  std::uint64_t revoked = 0;       // frames of keys that are not in the list any more, dropped
};

}  // namespace drover::broker
