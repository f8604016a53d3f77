// Ids with types: a task's id cannot be handed in where a worker's is wanted.
//
// A task id is a UUIDv7 (RFC 9562) made by whoever submits it, so that a submission is safe to
// repeat. Its last 10 bits are the hash of its tenant, which tells any broker who owns the task:
//
//   48 bits ms since 1970 | 4 version = 7 | 12 random | 2 variant | 52 random | 10 hash(tenant)
//
//   hash(tenant) = h ^ (h >> 16), last 10 bits, where h = FNV-1a, 32 bits, of the tenant's bytes
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/random.hpp"
#include "common/base/time.hpp"

namespace drover {

template <class Tag>
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }

  // `raw` has exactly 16 bytes.
  static Uuid from_bytes(std::string_view raw) {
    Uuid id;
    std::memcpy(id.bytes.data(), raw.data(), 16);
    return id;
  }
};

using TaskId = Uuid<struct TaskTag>;
using WorkerId = Uuid<struct WorkerTag>;  // new at every start of a worker process
using StoreId = Uuid<struct StoreTag>;    // of one journal, for its whole life

// The session between the broker and one worker, new with every welcome. 0 is none.
enum class SessionId : std::uint64_t {};

// The 10 bits that stand for a tenant in its task ids: 0 to 1023.
std::uint16_t tenant_hash(std::string_view tenant);
std::uint16_t tenant_hash_of(const TaskId& id);

// A new id: unique with 64 random bits beside the millisecond.
TaskId make_task_id(Instant now, std::string_view tenant, Random& random);

// The millisecond in which the id was made, as its maker's clock had it.
Instant time_of(const TaskId& id);

// True for a version 7, variant 2 id.
bool is_uuid_v7(const std::array<std::uint8_t, 16>& bytes);

// A random version 4 id, for workers and stores.
std::array<std::uint8_t, 16> make_uuid_v4(Random& random);

// "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04", lower case.
std::string to_string(const std::array<std::uint8_t, 16>& bytes);
template <class Tag>
std::string to_string(const Uuid<Tag>& id) {
  return to_string(id.bytes);
}

// Reads 36 characters, either letter case.
std::optional<std::array<std::uint8_t, 16>> parse_uuid(std::string_view text);

}  // namespace drover

template <class Tag>
struct std::hash<drover::Uuid<Tag>> {
  std::size_t operator()(const drover::Uuid<Tag>& id) const noexcept {
    std::uint64_t high, low;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>((high * 0x9e3779b97f4a7c15) ^ (low * 0xc2b2ae3d27d4eb4f));
  }
};
