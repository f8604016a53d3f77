#include "common/config/settings.hpp"

#include <string_view>

#include "common/config/address.hpp"

namespace drover::config {

bool is_all_loopback(const Settings& settings) {
  const auto& broker = settings.broker;
  const bool binds = is_loopback(broker.clients.bind) && is_loopback(broker.workers.bind) &&
                     is_loopback(broker.status.bind);
  return binds && (settings.worker.connect.empty() || is_loopback(settings.worker.connect));
}

std::string store_directory(const Settings& settings) {
  constexpr std::string_view kFile = "file:";
  return settings.store.url.starts_with(kFile) ? settings.store.url.substr(kFile.size()) : "";
}

}  // namespace drover::config
