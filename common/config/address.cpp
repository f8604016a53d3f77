#include "common/config/address.hpp"

#include <algorithm>

namespace drover::config {
namespace {

constexpr std::string_view kScheme = "tcp://";
constexpr int kPortMax = 65535;

bool is_port(std::string_view text) {
  if (text == "*") return true;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), digit)) {
    return false;
  }
  return std::stoi(std::string(text)) <= kPortMax;
}

bool is_host(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  return text == "*" || (!text.empty() && std::all_of(text.begin(), text.end(), fits));
}

bool is_ipv6(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
           c == '.';
  };
  return text.size() >= 2 && std::all_of(text.begin(), text.end(), fits);
}

// True for 127.a.b.c of numbers only; 127.0.0.1.example.org is a name like any other.
bool is_ipv4_loopback(std::string_view host) {
  const auto fits = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  return host.starts_with("127.") && std::all_of(host.begin(), host.end(), fits) &&
         std::count(host.begin(), host.end(), '.') == 3;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!(bracketed ? is_ipv6(host) : is_host(host))) return std::nullopt;
  return Address{std::string(host), std::string(text.substr(colon + 1))};
}

bool is_loopback(std::string_view address) {
  const auto parsed = parse_address(address);
  return parsed &&
         (parsed->host == "localhost" || parsed->host == "::1" || is_ipv4_loopback(parsed->host));
}

bool names_port(std::string_view address) {
  const auto parsed = parse_address(address);
  return parsed && parsed->port != "*" && parsed->port.find_first_not_of('0') != std::string::npos;
}

std::string reachable_here(std::string_view bound) {
  const auto parsed = parse_address(bound);
  const bool everywhere =
      parsed && (parsed->host == "*" || parsed->host == "0.0.0.0" || parsed->host == "::");
  if (!everywhere) return std::string(bound);
  return std::string(kScheme) + "127.0.0.1:" + parsed->port;
}

}  // namespace drover::config
