#include "cli/listing.hpp"

#include <algorithm>
#include <utility>

namespace drover::cli {

Result<Listing> gather(const AskPage& ask, const char* name, std::uint32_t limit, Cursor from) {
  Listing all{nlohmann::json::array(), from};
  do {
    const auto have = static_cast<std::uint32_t>(all.entries.size());
    auto page = ask(std::min(limit - have, kPageMax), all.next);
    if (!page) return page.error();
    for (auto& entry : (*page)[name]) all.entries.push_back(std::move(entry));
    const auto& next = (*page)["next_cursor"];
    all.next = next.is_number_unsigned() ? Cursor(next.get<std::uint64_t>()) : std::nullopt;
  } while (all.next && all.entries.size() < limit);
  return all;
}

}  // namespace drover::cli
