#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "broker/io/allow_list_file.hpp"
#include "cli/commands/commands.hpp"
#include "common/config/value.hpp"
#include "common/transport/key_file.hpp"

namespace drover::cli {
namespace {

using broker::AllowedKey;
using broker::AllowList;
using broker::Role;
using nlohmann::json;

struct KeyOptions {
  std::string name;
  std::optional<Role> role;
  std::optional<std::string> tenant, out, keys_file;
  std::vector<std::string> queues;
};

// The list to work on: the one said here, else that of the settings.
Result<std::string> list_path(const config::Settings& settings, const KeyOptions& options) {
  const auto path = options.keys_file.value_or(settings.security.keys_file);
  if (!path.empty()) return path;
  return Error{Errc::bad_configuration,
               "no list of keys is named: say --keys-file FILE, or set security.keys_file",
               "security.keys_file"};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

json as_json(const AllowedKey& key) {
  const auto& who = key.principal;
  return {{"name", who.name},     {"role", name_of(who.role)},    {"tenant", who.tenant},
          {"queues", who.queues}, {"public_key", key.public_key}, {"created_at", key.created_at}};
}

// --- create

constexpr const char* kRoles = "producer, worker, subscriber, service or operator";

Result<void> take_role(KeyOptions& options, const std::string& text) {
  options.role = broker::parse_role(text);
  if (options.role) return {};
  return Error{Errc::invalid_argument, std::string("expected ") + kRoles, "role"};
}

Result<void> take_queues(KeyOptions& options, const std::string& text) {
  std::istringstream parts(text);
  for (std::string name; std::getline(parts, name, ',');) {
    if (!config::is_name(name)) {
      return Error{Errc::invalid_argument, "expected names of queues such as a,b", "queues"};
    }
    options.queues.push_back(name);
  }
  return {};
}

AllowedKey described(const KeyOptions& options, const transport::KeyPair& keys) {
  AllowedKey key{
      {options.name, *options.role, "", options.queues}, keys.public_key, to_rfc3339(system_now())};
  if (options.tenant || !may_be_of_any_tenant(*options.role)) {
    key.principal.tenant = options.tenant.value_or("default");
  }
  return key;
}

// The public key of the broker that the settings are for, or what stands for it in an example.
std::string server_key(const config::Settings& settings) {
  const auto& security = settings.security;
  if (!security.server_key.empty()) return security.server_key;
  const bool is_brokers = !security.keys_file.empty() && !security.key_file.empty();
  const auto keys = is_brokers ? transport::read_key_file(security.key_file)
                               : Result<transport::KeyPair>(Error{});
  return keys ? keys->public_key : "THE-BROKERS-PUBLIC-KEY";
}

std::string example_for(Role role) {
  switch (role) {
    case Role::producer: return "drover submit test.echo '{}'";
    case Role::worker: return "drover-worker";
    case Role::subscriber: return "drover watch";
    case Role::service: return "drover-gateway";
    case Role::operator_: return "drover queue list";
  }
  return "drover ping";
}

void tell(const Context& context, const config::Settings& settings, const AllowedKey& key,
          const std::string& list, const std::string& file) {
  if (context.json) {
    auto told = as_json(key);
    told["key_file"] = file;
    told["keys_file"] = list;
    return context.print_json(told);
  }
  const auto& who = key.principal;
  context.print(fmt::format("{} is a key of role {} now, for {}{}.", who.name, name_of(who.role),
                            who.tenant.empty() ? "every tenant" : "tenant " + who.tenant,
                            who.queues.empty() ? "" : " and queues " + joined(who.queues)));
  context.print(fmt::format("  list        {} (the broker notices by itself)", list));
  context.print(fmt::format("  public key  {}", key.public_key));
  context.print(fmt::format("  secret key  in {}, for its owner alone", file));
  context.print(fmt::format(
      "  use it      export DROVER_SECURITY__KEY_FILE={} DROVER_SECURITY__SERVER_KEY='{}'", file,
      server_key(settings)));
  context.print(fmt::format("              {}", example_for(who.role)));
}

// The secret half is written while the list is locked and before it changes: a key that is allowed
// has an owner, and a command that failed leaves neither.
int create(Context& context, const KeyOptions& options) {
  if (!options.role) {
    context.fail({Errc::invalid_argument, std::string("--role is missing: ") + kRoles, "role"});
    return kUsage;
  }
  const auto loaded = context.settings();
  if (!loaded) return context.fail(loaded.error());
  const auto path = list_path(loaded->settings, options);
  if (!path) return context.fail(path.error());
  const auto keys = transport::KeyPair::generate();
  if (!keys) return context.fail(keys.error());
  const auto key = described(options, *keys);
  const auto file = options.out.value_or(options.name + ".key");
  bool secret_written = false;
  const auto edited = broker::edit_allow_list(*path, [&](AllowList& list) -> Result<void> {
    if (auto added = list.add(key); !added) return added;
    auto written = transport::write_key_file(file, *keys);
    secret_written = written.has_value();
    return written;
  });
  if (!edited) {
    if (secret_written) unlink(file.c_str());
    return context.fail(edited.error());
  }
  tell(context, loaded->settings, key, *path, file);
  return kOk;
}

// --- revoke, list

int revoke(Context& context, const KeyOptions& options) {
  const auto loaded = context.settings();
  if (!loaded) return context.fail(loaded.error());
  const auto path = list_path(loaded->settings, options);
  if (!path) return context.fail(path.error());
  const auto edited = broker::edit_allow_list(*path, [&](AllowList& list) -> Result<void> {
    if (list.remove(options.name)) return {};
    return Error{Errc::not_found, fmt::format("{} has no key named {}", *path, options.name),
                 "name"};
  });
  if (!edited) return context.fail(edited.error());
  if (context.json) {
    context.print_json({{"name", options.name}, {"revoked", true}});
  } else {
    context.print(options.name + " is revoked; the broker refuses it within two seconds.");
  }
  return kOk;
}

Table as_table(const std::vector<AllowedKey>& keys) {
  Table table;
  for (const auto* column : {"NAME", "ROLE", "TENANT", "QUEUES", "CREATED", "PUBLIC KEY"}) {
    table.column(column);
  }
  for (const auto& key : keys) {
    const auto& who = key.principal;
    table.row({{who.name},
               {std::string(name_of(who.role))},
               {who.tenant.empty() ? "every" : who.tenant},
               {who.queues.empty() ? "all" : joined(who.queues)},
               {key.created_at},
               {key.public_key}});
  }
  return table;
}

int list(Context& context, const KeyOptions& options) {
  const auto loaded = context.settings();
  if (!loaded) return context.fail(loaded.error());
  const auto path = list_path(loaded->settings, options);
  if (!path) return context.fail(path.error());
  const auto allowed = broker::read_allow_list(*path);
  if (!allowed) return context.fail(allowed.error());
  auto all = json::array();
  for (const auto& key : allowed->keys()) all.push_back(as_json(key));
  if (context.json) {
    context.print_json(all);
  } else if (all.empty()) {
    context.note(*path + " holds no keys: the broker lets nobody in.");
  } else {
    context.print(as_table(allowed->keys()));
  }
  return kOk;
}

Verb& with_list(Verb& verb, KeyOptions& options) {
  return verb.option(options.keys_file, "--keys-file", "FILE",
                     "the list of keys (security.keys_file)");
}

}  // namespace

void add_key(Verb& root, Context& context) {
  const auto options = std::make_shared<KeyOptions>();
  auto key = root.verb("key", "who may speak to a secured broker", {"keys"});
  auto creates = key.verb("create", "make a key pair and put it on the broker's list");
  with_list(creates, *options)
      .word(options->name, "NAME", "what the key is called")
      .option([options](const auto& text) { return take_role(*options, text); }, "--role", "ROLE",
              kRoles)
      .option(options->tenant, "--tenant", "TENANT",
              "whose tasks (default; services and operators: every tenant's)")
      .option([options](const auto& text) { return take_queues(*options, text); }, "--queues",
              "A,B", "these queues alone (all)")
      .option(options->out, "--out", "FILE", "where the secret half goes (NAME.key)")
      .does([&context, options] { return create(context, *options); });
  auto revokes = key.verb("revoke", "take a key off the list");
  with_list(revokes, *options)
      .word(options->name, "NAME", "what the key is called")
      .does([&context, options] { return revoke(context, *options); });
  auto lists = key.verb("list", "the keys on the list", {"ls"});
  with_list(lists, *options).does([&context, options] { return list(context, *options); });
}

}  // namespace drover::cli
