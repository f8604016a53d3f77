// What tasks ask of a worker, and what workers offer, each kind kept once.
//
// A demand is a type with a set of requirements (capabilities, and labels written "key=value"). An
// offer is a set of types with a set of such features. A worker runs a demand if it offers the type
// and every requirement. Whether it does is worked out once for each pair of kinds, so dispatch
// asks a table.
//
// Where workers are bound to a tenant or to queues, a demand also says whose it is and an offer for
// whom it is made; elsewhere both say nothing of it, and nothing is asked. Pure; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "common/task/task_spec.hpp"

namespace drover::broker {

using DemandIndex = std::uint32_t;
using OfferIndex = std::uint32_t;

// Whose tasks a worker may be given.
struct Scope {
  std::string tenant;               // "" = any
  std::vector<std::string> queues;  // empty = all; in any order

  bool covers(std::string_view of_tenant, std::string_view queue) const;
};

struct Demand {
  std::string type;
  std::vector<std::string> requirements;  // sorted, each once
  std::string tenant, queue;              // "" = not said
  std::uint32_t uses = 0;                 // tasks that ask it
};

struct Offer {
  std::vector<std::string> types;     // sorted, each once
  std::vector<std::string> features;  // sorted, each once
  Scope scope;                        // its queues sorted, each once
  std::vector<bool> runs;             // by demand
  std::uint32_t uses = 0;             // workers that make it
};

// What the submitter asks beside the type: capabilities, and labels as "key=value".
std::vector<std::string> requirements_of(const TaskSpec& spec);

class Demands {
 public:
  // The index of a demand, made if it is new, with one use more. Unused ones make room: kNone only
  // if `most` demands are in use. Requirements may come in any order.
  DemandIndex acquire(std::string_view type, std::vector<std::string> requirements,
                      std::size_t most, std::string_view tenant = {}, std::string_view queue = {});
  void release(DemandIndex index);

  // The index of an offer, made if it is new, with one use more. One without a use makes room.
  OfferIndex offer(std::vector<std::string> types, std::vector<std::string> features,
                   Scope scope = {});
  void release_offer(OfferIndex index);

  // `offer` has a use.
  bool runs(OfferIndex offer, DemandIndex demand) const { return offers_[offer].runs[demand]; }

  const Demand& operator[](DemandIndex index) const { return demands_[index]; }
  const Offer& offer_at(OfferIndex index) const { return offers_[index]; }
  std::size_t size() const { return demands_.size(); }
  std::size_t offers() const { return offers_.size(); }

 private:
  static std::string key_of(std::string_view first, const std::vector<std::string>& rest);
  static void add_owner(std::string& key, std::string_view tenant, std::string_view queue);
  static std::string key_of(const Offer& offer);
  DemandIndex make_room(std::size_t most);
  void match(OfferIndex offer, DemandIndex demand);

  std::vector<Demand> demands_;
  DemandIndex sweep_ = 0;   // where the search for an unused demand goes on
  std::size_t unused_ = 0;  // demands without a use
  std::vector<Offer> offers_;
  std::vector<OfferIndex> free_offers_;
  absl::flat_hash_map<std::string, DemandIndex> demand_by_key_;
  absl::flat_hash_map<std::string, OfferIndex> offer_by_key_;
};

}  // namespace drover::broker
