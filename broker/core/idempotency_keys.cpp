#include "broker/core/idempotency_keys.hpp"

namespace drover::broker {

std::string IdempotencyKeys::key_of(std::string_view tenant, std::string_view key) {
  std::string joined(tenant);
  joined += '\n';  // not a character of names
  joined += key;
  return joined;
}

KeyEntry* IdempotencyKeys::find(std::string_view tenant, std::string_view key) {
  const auto at = entries_.find(key_of(tenant, key));
  return at == entries_.end() ? nullptr : &at->second;
}

void IdempotencyKeys::put(std::string_view tenant, std::string_view key, const KeyEntry& entry) {
  std::string joined = key_of(tenant, key);
  order_.push_back({entry.until, joined});
  entries_.insert_or_assign(std::move(joined), entry);
}

}  // namespace drover::broker
