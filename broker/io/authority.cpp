#include "broker/io/authority.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <variant>

#include "broker/io/events.hpp"

namespace drover::broker {
namespace {

using Roles = std::uint8_t;  // a bit for each

constexpr Roles of(Role role) { return static_cast<Roles>(1U << static_cast<unsigned>(role)); }

constexpr Roles kOperators = of(Role::operator_);
constexpr Roles kFleet = kOperators | of(Role::service);
constexpr Roles kSubmitters = kOperators | of(Role::producer);
constexpr Roles kReaders = kFleet | of(Role::producer) | of(Role::subscriber);
constexpr Roles kRunners = kOperators | of(Role::worker);
constexpr Roles kAll = kReaders | kRunners;

struct Right {
  std::string_view name;  // of the message
  Roles roles;
};

// In the order of wire::ClientMessage.
constexpr std::array kClientRights = {
    Right{"connect", kAll},      Right{"submit", kSubmitters}, Right{"wait", kReaders},
    Right{"show", kReaders},     Right{"list", kReaders},      Right{"cancel", kSubmitters},
    Right{"retry", kSubmitters}, Right{"queues", kReaders},    Right{"dead_letters", kReaders},
    Right{"workers", kFleet},    Right{"stats", kReaders},     Right{"books", kReaders},
    Right{"events", kReaders},   Right{"ping", kAll},          Right{"set", kOperators},
    Right{"settings", kReaders}, Right{"gates", kReaders},
};
static_assert(kClientRights.size() == std::variant_size_v<wire::ClientMessage>);

constexpr Roles kSubscribers = kReaders;  // the bus tells nothing that `events` would not

Result<void> judge(const Right& right, Role role) {
  if ((right.roles & of(role)) != 0) return {};
  return Error{Errc::forbidden, "a key of role " + std::string(name_of(role)) + " may not say " +
                                    std::string(right.name)};
}

Error forbidden(std::string_view field, std::string message) {
  return {Errc::forbidden, std::move(message), std::string(field)};
}

bool has_queue(const Principal& who, std::string_view queue) {
  return who.queues.empty() ||
         std::find(who.queues.begin(), who.queues.end(), queue) != who.queues.end();
}

Result<void> may_name(const Principal& who, std::string_view tenant, std::string_view queue) {
  if (!who.tenant.empty() && !tenant.empty() && tenant != who.tenant) {
    return forbidden("tenant", "the key is for tenant " + who.tenant + " only");
  }
  if (!queue.empty() && !has_queue(who, queue)) {
    return forbidden("queue", "the key is not for this queue");
  }
  return {};
}

// The queue in a prefix that says one whole: tenant/type/queue/...
std::string_view queue_in(std::string_view prefix) {
  for (int part = 0; part < 2; ++part) {
    const auto slash = prefix.find('/');
    if (slash == std::string_view::npos) return {};
    prefix.remove_prefix(slash + 1);
  }
  const auto end = prefix.find('/');
  return end == std::string_view::npos ? std::string_view() : prefix.substr(0, end);
}

}  // namespace

Result<void> may_say(Role role, const wire::ClientMessage& message) {
  return judge(kClientRights[message.index()], role);
}

Result<void> may_say(Role role, const wire::WorkerMessage&) {
  return judge(Right{"anything to the workers' socket", kRunners}, role);
}

bool reaches(const Principal& who, std::string_view tenant, std::string_view queue) {
  return (who.tenant.empty() || who.tenant == tenant) && has_queue(who, queue);
}

Result<void> may_see(const Principal& who, const SettingHolder& holder) {
  return may_name(who, holder.tenant, holder.of == SettingOf::queue ? holder.name : "");
}

Result<void> may_set(const Principal& who, const SettingHolder& holder) {
  if (auto ok = may_see(who, holder); !ok) return ok;
  if (holder.of == SettingOf::tenant && !who.tenant.empty()) {
    return forbidden("tenant", "the key is for tenant " + who.tenant +
                                   " only, and may not change what that tenant is allowed");
  }
  if (holder.of != SettingOf::queue && !who.queues.empty()) {
    return forbidden("of", "the key is for some queues only");
  }
  return {};
}

Result<void> may_submit(const Principal& who, const TaskSpec& task) {
  if (task.tenant.empty() && !who.tenant.empty() && who.tenant != "default") {
    return forbidden("tenant", "the task names no tenant, which means default; the key is for " +
                                   who.tenant + " only");
  }
  return may_name(who, task.tenant, task.queue.empty() ? "default" : task.queue);
}

Result<void> narrow(const Principal& who, TaskFilter& filter) {
  if (auto ok = may_name(who, filter.tenant, filter.queue); !ok) return ok;
  if (!who.tenant.empty()) filter.tenant = who.tenant;
  filter.queues = who.queues;
  return {};
}

Result<void> may_ask_events(const Principal& who, std::string_view prefix) {
  if (who.tenant.empty()) return {};
  const std::string own = who.tenant + '/';
  if (prefix.starts_with(own) || own.starts_with(prefix)) return {};
  return forbidden("prefix", "the key is for tenant " + who.tenant + " only");
}

bool may_subscribe(const Principal& who, std::string_view prefix) {
  if ((kSubscribers & of(who.role)) == 0) return false;
  if (prefix == kTickTopic || reaches_all(who)) return true;
  if (!who.tenant.empty() && !prefix.starts_with(who.tenant + '/')) return false;
  if (who.queues.empty()) return true;
  const auto queue = queue_in(prefix);
  return !queue.empty() && has_queue(who, queue);
}

}  // namespace drover::broker
