#include "broker/io/allow_list.hpp"

#include <algorithm>
#include <utility>

#include "common/base/curve_key.hpp"
#include "common/base/time.hpp"
#include "common/config/value.hpp"
#include "common/config/yaml_tree.hpp"
#include "common/task/task_spec.hpp"

namespace drover::broker {
namespace {

using config::YamlNode;

Error bad(std::string_view field, std::string what) {
  return {Errc::bad_configuration, std::string(field) + ": " + std::move(what), std::string(field)};
}

std::string role_list() {
  std::string text;
  for (const auto name : kRoleNames) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

constexpr const char* kNameExpected = "expected 1 to 64 of A-Z a-z 0-9 . _ -";

// What must hold of every entry, wherever it comes from.
Result<void> check(const AllowedKey& key) {
  const auto& [name, role, tenant, queues] = key.principal;
  if (!config::is_name(name)) return bad("name", kNameExpected);
  if (auto good = check_public_key(key.public_key); !good) {
    return bad("public_key", good.error().message);
  }
  if (tenant.empty() && !may_be_of_any_tenant(role)) {
    return bad("tenant", "a " + std::string(name_of(role)) + " needs one");
  }
  if (!tenant.empty() && !config::is_name(tenant)) return bad("tenant", kNameExpected);
  if (tenant == kSystemTenant)
    return bad("tenant", "_system is for the events of the fleet itself");
  if (queues.size() > kQueuesPerKeyMax) return bad("queues", "expected at most 1000");
  if (!std::all_of(queues.begin(), queues.end(), config::is_name)) {
    return bad("queues", kNameExpected);
  }
  if (!parse_rfc3339(key.created_at)) {
    return bad("created_at", "expected a time such as 2026-01-31T08:05:09.007Z");
  }
  return {};
}

// One entry of the file.
class EntryReader {
 public:
  explicit EntryReader(const YamlNode& node) : node_(node) {}

  Result<AllowedKey> read() {
    if (node_.kind != YamlNode::Kind::map) {
      return Error{Errc::bad_configuration, "expected name, public_key, role, ..."};
    }
    for (const auto& [field, value] : node_.entries) {
      if (auto taken = take(field, value); !taken) return taken.error();
    }
    if (!has_role_) return bad("role", "expected one of " + role_list());
    if (auto good = check(key_); !good) return good.error();
    return std::move(key_);
  }

 private:
  Result<void> take(const std::string& field, const YamlNode& value) {
    if (field == "queues") return take_queues(value);
    const bool known = field == "name" || field == "public_key" || field == "role" ||
                       field == "tenant" || field == "created_at";
    if (!known) return bad(field, "there is no such field");
    if (value.kind != YamlNode::Kind::scalar) return bad(field, "expected a text");
    if (field == "role") return take_role(value.text);
    if (field == "name") key_.principal.name = value.text;
    if (field == "public_key") key_.public_key = value.text;
    if (field == "tenant") key_.principal.tenant = value.text;
    if (field == "created_at") key_.created_at = value.text;
    return {};
  }

  Result<void> take_role(const std::string& text) {
    const auto role = parse_role(text);
    if (!role) return bad("role", "expected one of " + role_list());
    key_.principal.role = *role;
    has_role_ = true;
    return {};
  }

  // An empty list would be a key for nothing, or for all? Whoever means all leaves the field out.
  Result<void> take_queues(const YamlNode& value) {
    const bool good = value.kind == YamlNode::Kind::list && !value.items.empty();
    if (!good) return bad("queues", "expected a list of names; leave it out for all queues");
    for (const auto& item : value.items) {
      if (item.kind != YamlNode::Kind::scalar) return bad("queues", "expected a list of names");
      key_.principal.queues.push_back(item.text);
    }
    return {};
  }

  const YamlNode& node_;
  AllowedKey key_;
  bool has_role_ = false;
};

// The entry's name if it has a readable one, else its place.
std::string entry_label(const YamlNode& entry, std::size_t place) {
  const auto* name = entry.kind == YamlNode::Kind::map ? entry.find("name") : nullptr;
  return name != nullptr && config::is_name(name->text) ? name->text
                                                        : "entry " + std::to_string(place);
}

}  // namespace

Result<AllowList> AllowList::parse(const std::string& text, std::string_view file) {
  const auto tree = config::parse_yaml(text, file);
  if (!tree) return tree.error();
  AllowList list;
  if (tree->kind == YamlNode::Kind::null) return list;
  if (tree->kind != YamlNode::Kind::list) {
    return Error{Errc::bad_configuration, std::string(file) + ": expected a list of keys"};
  }
  for (std::size_t i = 0; i < tree->items.size(); ++i) {
    const auto& entry = tree->items[i];
    auto key = EntryReader(entry).read();
    auto added = key ? list.add(std::move(*key)) : Result<void>(key.error());
    if (added) continue;
    const auto where = std::string(file) + ":" + std::to_string(entry.line) + ": ";
    return Error{Errc::bad_configuration,
                 where + entry_label(entry, i + 1) + ": " + added.error().message,
                 added.error().field};
  }
  return list;
}

std::string AllowList::format() const {
  std::string text =
      "# Who may speak to the broker. `drover key create`, `revoke` and `list` keep this file; "
      "the\n"
      "# broker notices a change by itself.\n";
  for (const auto& key : keys()) {
    const auto& [name, role, tenant, queues] = key.principal;
    text += "- name: " + config::yaml_text(name) + "\n";
    text += "  public_key: \"" + key.public_key + "\"\n";
    text += "  role: " + std::string(name_of(role)) + "\n";
    if (!tenant.empty()) text += "  tenant: " + config::yaml_text(tenant) + "\n";
    std::string names;
    for (const auto& queue : queues)
      names += (names.empty() ? "" : ", ") + config::yaml_text(queue);
    if (!names.empty()) text += "  queues: [" + names + "]\n";
    text += "  created_at: " + config::yaml_text(key.created_at) + "\n";
  }
  return text;
}

Result<void> AllowList::add(AllowedKey key) {
  if (auto good = check(key); !good) return good;
  if (by_name_.contains(key.principal.name)) {
    return Error{Errc::conflict, "name: there is a key of this name already", "name"};
  }
  if (const auto owner = find_by_key(key.public_key)) {
    return Error{Errc::conflict, "public_key: it is the key of " + owner->name, "public_key"};
  }
  auto principal = std::make_shared<const Principal>(std::move(key.principal));
  by_key_.emplace(key.public_key, principal);
  const auto& name = principal->name;
  by_name_.emplace(name, Entry{principal, std::move(key.public_key), std::move(key.created_at)});
  return {};
}

bool AllowList::remove(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return false;
  by_key_.erase(found->second.public_key);
  by_name_.erase(found);
  return true;
}

std::shared_ptr<const Principal> AllowList::find_by_key(std::string_view public_key) const {
  const auto found = by_key_.find(public_key);
  return found == by_key_.end() ? nullptr : found->second;
}

std::shared_ptr<const Principal> AllowList::find_by_name(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.principal;
}

std::vector<AllowedKey> AllowList::keys() const {
  std::vector<AllowedKey> all;
  for (const auto& [name, entry] : by_name_) {
    all.push_back({*entry.principal, entry.public_key, entry.created_at});
  }
  return all;
}

}  // namespace drover::broker
