#include "broker/app/doorkeeper.hpp"

#include <utility>

#include "broker/io/authority.hpp"
#include "common/config/address.hpp"
#include "common/observe/log.hpp"
#include "common/transport/key_file.hpp"

namespace drover::broker {
namespace {

constexpr int kHandshakesATurn = 64;
constexpr Duration kUnknownToldEvery = 60s;

Error wrong(const char* setting, const std::string& what) {
  return {Errc::bad_configuration, std::string(setting) + ": " + what, setting};
}

// The first address that other machines reach; "" if there is none.
std::string exposed(const config::Settings& settings) {
  const auto& broker = settings.broker;
  for (const auto& bind : {broker.clients.bind, broker.workers.bind, broker.status.bind}) {
    if (!config::is_loopback(bind)) return bind;
  }
  return "";
}

Result<void> check_exposure(const config::Settings& settings) {
  const auto bind = exposed(settings);
  if (bind.empty()) {
    log::info("no keys are asked for: everybody on this machine is the operator");
    return {};
  }
  if (settings.security.insecure) {
    log::warn("INSECURE: whoever reaches this address may do everything", {{"address", bind}});
    return {};
  }
  return Error{Errc::bad_configuration,
               bind +
                   " can be reached from other machines and nothing protects it: make keys "
                   "(`drover keygen`, `drover key create`) and set security.keys_file, or bind "
                   "127.0.0.1, or set security.insecure: true if anyone may do everything",
               "security.keys_file"};
}

}  // namespace

Result<Doorkeeper> Doorkeeper::open(const config::Settings& settings, transport::Context& context) {
  Doorkeeper door;
  if (!config::is_secured(settings)) {
    if (auto good = check_exposure(settings); !good) return good.error();
    return door;
  }
  const auto& security = settings.security;
  if (security.key_file.empty()) {
    return wrong("security.key_file",
                 "a broker with a list of keys needs a key pair of its own: make one with `drover "
                 "keygen FILE` and name the file here");
  }
  auto keys = transport::read_key_file(security.key_file);
  if (!keys) return wrong("security.key_file", keys.error().message);
  door.keys_ = std::move(*keys);
  door.path_ = security.keys_file;
  door.stamp_ = stamp_of(door.path_);
  auto list = read_allow_list(door.path_);
  if (!list) return wrong("security.keys_file", list.error().message);
  auto zap = transport::ZapHandler::bind(context);
  if (!zap) return zap.error();
  door.zap_.emplace(std::move(*zap));
  door.figures_.secured = true;
  door.take_over(std::move(*list));
  log::info(
      "secured: only these keys are let in",
      {{"keys", door.figures_.keys}, {"file", door.path_}, {"public_key", door.keys_.public_key}});
  if (settings.security.insecure) log::warn("security.insecure has no effect on a secured broker");
  return door;
}

transport::Curve Doorkeeper::curve() const {
  return zap_ ? transport::Curve(zap_->guard(keys_)) : transport::Curve();
}

void Doorkeeper::answer() {
  zap_->answer([this](const auto& request) { return admit(request); }, kHandshakesATurn);
}

// Frames bear the key itself: a name may pass from one key to another, a key stays whose it is.
std::string Doorkeeper::admit(const transport::ZapHandler::Request& request) {
  if (list_->find_by_key(request.public_key)) return request.public_key;
  ++figures_.unknown_keys;
  last_unknown_ = request;
  return "";
}

const Principal* Doorkeeper::find(std::string_view user_id) {
  if (!zap_) return &everybody_;
  if (user_id.empty()) {
    ++figures_.unnamed;
    return nullptr;
  }
  const auto found = list_->find_by_key(user_id);
  if (!found) ++figures_.revoked;
  return found.get();  // the list keeps it
}

// Who is refused goes on trying: all of them are told at once, and seldom.
void Doorkeeper::tell_unknown(Instant now) {
  if (figures_.unknown_keys == unknown_told_ || now < tell_unknown_at_) return;
  tell_unknown_at_ = now + kUnknownToldEvery;
  log::warn("keys that are not in the list were refused",
            {{"times", figures_.unknown_keys - unknown_told_},
             {"last_public_key", last_unknown_.public_key},
             {"last_address", last_unknown_.address}});
  unknown_told_ = figures_.unknown_keys;
}

bool Doorkeeper::refresh(Instant now) {
  if (!zap_) return false;
  tell_unknown(now);
  const auto stamp = stamp_of(path_);
  if (stamp == stamp_) return false;
  stamp_ = stamp;
  auto list = read_allow_list(path_);
  if (!list) {
    log::failure("the list of keys cannot be read: the one before goes on holding", list.error());
    return false;
  }
  before_ = std::move(list_);
  take_over(std::move(*list));
  log::info("the list of keys has changed", {{"keys", figures_.keys}});
  return true;
}

std::function<bool(std::string_view, std::string_view)> Doorkeeper::admits() const {
  if (!zap_) return [](auto, auto topic) { return may_subscribe(everybody(), topic); };
  return [list = list_](std::string_view user_id, std::string_view topic) {
    const auto who = list->find_by_key(user_id);
    return who && may_subscribe(*who, topic);
  };
}

std::function<bool(std::string_view)> Doorkeeper::stale() const {
  return [list = list_, former = before_](std::string_view user_id) {
    const auto now = list->find_by_key(user_id), before = former->find_by_key(user_id);
    return !now || (before && *before != *now);
  };
}

void Doorkeeper::take_over(AllowList list) {
  list_ = std::make_shared<const AllowList>(std::move(list));
  figures_.keys = list_->size();
}

}  // namespace drover::broker
