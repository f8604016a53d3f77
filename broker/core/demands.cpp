#include "broker/core/demands.hpp"

#include <algorithm>

#include "broker/core/planted.hpp"

#include "broker/core/task_table.hpp"

namespace drover::broker {
namespace {

void sort_and_dedupe(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

}  // namespace

std::vector<std::string> requirements_of(const TaskSpec& spec) {
  std::vector<std::string> requirements(spec.required_capabilities.begin(),
                                        spec.required_capabilities.end());
  for (const auto& [key, value] : spec.required_labels) {
    requirements.push_back(std::string(key) + "=" + std::string(value));
  }
  return requirements;
}

std::string Demands::key_of(std::string_view first, const std::vector<std::string>& rest) {
  std::string key(first);
  for (const auto& text : rest) {
    key += '\n';  // not a character of names
    key += text;
  }
  return key;
}

bool Scope::covers(std::string_view of_tenant, std::string_view queue) const {
  return (tenant.empty() || tenant == of_tenant) &&
         (queues.empty() || std::find(queues.begin(), queues.end(), queue) != queues.end());
}

// Of a demand that says whose it is.
void Demands::add_owner(std::string& key, std::string_view tenant, std::string_view queue) {
  if (tenant.empty()) return;
  key += '\r';  // not a character of names
  key += tenant;
  key += '/';
  key += queue;
}

std::string Demands::key_of(const Offer& offer) {
  std::string key = key_of(key_of("", offer.types) + '\r', offer.features);
  if (!offer.scope.tenant.empty() || !offer.scope.queues.empty()) {
    key = key_of(key + '\r' + offer.scope.tenant, offer.scope.queues);
  }
  return key;
}

void Demands::match(OfferIndex offer, DemandIndex demand) {
  Offer& o = offers_[offer];
  const Demand& d = demands_[demand];
  if (o.runs.size() <= demand) o.runs.resize(demand + 1);
  o.runs[demand] = std::binary_search(o.types.begin(), o.types.end(), d.type) &&
                   std::includes(o.features.begin(), o.features.end(), d.requirements.begin(),
                                 d.requirements.end()) &&
                   (planted(Planted::scope_ignored) || o.scope.covers(d.tenant, d.queue));
}

// A new entry, or when there are `most`, the next one that no task uses.
DemandIndex Demands::make_room(std::size_t most) {
  if (demands_.size() < most) {
    demands_.emplace_back();
    return static_cast<DemandIndex>(demands_.size() - 1);
  }
  for (std::size_t i = 0; unused_ > 0 && i < demands_.size(); ++i) {
    sweep_ = sweep_ + 1 < demands_.size() ? sweep_ + 1 : 0;
    Demand& candidate = demands_[sweep_];
    if (candidate.uses > 0) continue;
    std::string key = key_of(candidate.type, candidate.requirements);
    add_owner(key, candidate.tenant, candidate.queue);
    demand_by_key_.erase(key);
    --unused_;
    return sweep_;
  }
  return kNone;
}

DemandIndex Demands::acquire(std::string_view type, std::vector<std::string> requirements,
                             std::size_t most, std::string_view tenant, std::string_view queue) {
  sort_and_dedupe(requirements);
  std::string key = key_of(type, requirements);
  add_owner(key, tenant, queue);
  if (const auto at = demand_by_key_.find(key); at != demand_by_key_.end()) {
    if (demands_[at->second].uses++ == 0) --unused_;
    return at->second;
  }
  const DemandIndex index = make_room(most);
  if (index == kNone) return kNone;
  demands_[index] = {std::string(type), std::move(requirements), std::string(tenant),
                     std::string(queue), 1};
  demand_by_key_.emplace(key, index);
  for (OfferIndex offer = 0; offer < offers_.size(); ++offer) match(offer, index);
  return index;
}

void Demands::release(DemandIndex index) {
  if (--demands_[index].uses == 0) ++unused_;
}

OfferIndex Demands::offer(std::vector<std::string> types, std::vector<std::string> features,
                          Scope scope) {
  sort_and_dedupe(types);
  sort_and_dedupe(features);
  sort_and_dedupe(scope.queues);
  Offer made{std::move(types), std::move(features), std::move(scope), {}, 1};
  const std::string key = key_of(made);
  if (const auto at = offer_by_key_.find(key); at != offer_by_key_.end()) {
    ++offers_[at->second].uses;
    return at->second;
  }
  if (free_offers_.empty()) {
    free_offers_.push_back(static_cast<OfferIndex>(offers_.size()));
    offers_.emplace_back();
  }
  const OfferIndex index = free_offers_.back();
  free_offers_.pop_back();
  offers_[index] = std::move(made);
  offer_by_key_.emplace(key, index);
  for (DemandIndex demand = 0; demand < demands_.size(); ++demand) match(index, demand);
  return index;
}

void Demands::release_offer(OfferIndex index) {
  Offer& offer = offers_[index];
  if (--offer.uses > 0) return;
  offer_by_key_.erase(key_of(offer));
  offer = {};
  free_offers_.push_back(index);
}

}  // namespace drover::broker
