// The allow-list: the keys that a broker accepts, and who each of them is. A YAML file:
//
//   - name: worker-1
//     public_key: "…40 characters of Z85…"
//     role: worker                       # producer, worker, subscriber, service or operator
//     tenant: default                    # services and operators may leave it out: every tenant
//     queues: [emails, reports]          # left out: all queues
//     created_at: 2026-01-31T08:05:09.007Z
//
// `drover key` writes it, the broker reads it. It holds no secret; but whoever may write it decides
// who may speak. Any thread may look into one that nobody changes; finding costs O(log n).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/io/principal.hpp"
#include "common/base/result.hpp"

namespace drover::broker {

struct AllowedKey {
  Principal principal;
  std::string public_key;
  std::string created_at;  // RFC 3339
};

inline constexpr std::size_t kQueuesPerKeyMax = 1000;

class AllowList {
 public:
  // `file` stands before the line in messages. A text with nothing in it is the empty list. Error:
  // BAD_CONFIGURATION, "FILE:LINE: NAME: FIELD: what is wrong"; `field` is the field's name.
  static Result<AllowList> parse(const std::string& text, std::string_view file);

  // The file's text, which parse() reads back as the same list.
  std::string format() const;

  // Errors: CONFLICT (name or public_key are taken), and as of parse() for a bad entry.
  Result<void> add(AllowedKey key);

  // False if there is no such key.
  bool remove(std::string_view name);

  // Nothing if no such key is allowed. What is found stays whole when the list is replaced or gone.
  std::shared_ptr<const Principal> find_by_key(std::string_view public_key) const;
  std::shared_ptr<const Principal> find_by_name(std::string_view name) const;

  std::size_t size() const { return by_name_.size(); }

  // By name.
  std::vector<AllowedKey> keys() const;

 private:
  struct Entry {
    std::shared_ptr<const Principal> principal;
    std::string public_key, created_at;
  };

  std::map<std::string, Entry, std::less<>> by_name_;
  std::map<std::string, std::shared_ptr<const Principal>, std::less<>> by_key_;
};

}  // namespace drover::broker
