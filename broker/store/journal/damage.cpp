#include "broker/store/journal/damage.hpp"

#include <fmt/format.h>

#include <charconv>

namespace drover::broker::journal {
namespace {

constexpr std::string_view kOffset = ", offset ";
constexpr std::string_view kWhat = ": ";

}  // namespace

Error damaged(std::string_view file, std::uint64_t offset, std::string_view what) {
  return {Errc::store_damaged, fmt::format("{}{}{}{}{}", file, kOffset, offset, kWhat, what)};
}

std::optional<Damage> damage_of(const Error& error) {
  const std::string_view text = error.message;
  const auto offset_at = text.find(kOffset);
  if (error.code != Errc::store_damaged || offset_at == std::string_view::npos) return std::nullopt;
  Damage damage;
  damage.file = text.substr(0, offset_at);
  const auto number = text.substr(offset_at + kOffset.size());
  const auto [end, wrong] =
      std::from_chars(number.data(), number.data() + number.size(), damage.offset);
  const auto rest = number.substr(static_cast<std::size_t>(end - number.data()));
  if (wrong != std::errc() || !rest.starts_with(kWhat)) return std::nullopt;
  damage.what = rest.substr(kWhat.size());
  return damage;
}

}  // namespace drover::broker::journal
