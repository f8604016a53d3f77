// What a service tells the service manager that started it: systemd's notification protocol
// (sd_notify(3)), a datagram to the socket named in NOTIFY_SOCKET. Without one, nothing happens.
#pragma once

#include <string_view>

namespace drover::observe {

// `state` is lines such as "READY=1\nSTATUS=taking tasks", "STOPPING=1".
void notify_service_manager(std::string_view state);

}  // namespace drover::observe
