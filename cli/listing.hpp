// Listings that come in pages: as many pages as it takes until enough entries are there.
//
// The broker looks at a bounded number of tasks for one page, so a page may hold few of what is
// asked for, even none, and more may follow.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include <nlohmann/json.hpp>

#include "common/base/result.hpp"

namespace drover::cli {

inline constexpr std::uint32_t kPageMax = 1000;     // entries that the broker tells at once
inline constexpr std::uint32_t kListMax = 100'000;  // what --limit may ask for

using Cursor = std::optional<std::uint64_t>;  // where the next page begins; nothing: at the start

// Asks for one page: {NAME:[...],"next_cursor"}.
using AskPage = std::function<Result<nlohmann::json>(std::uint32_t limit, Cursor cursor)>;

struct Listing {
  nlohmann::json entries = nlohmann::json::array();
  Cursor next;  // there may be more from here on

  nlohmann::json next_json() const { return next ? nlohmann::json(*next) : nlohmann::json(); }
};

// Up to `limit` entries of the pages' list `name`. Errors as of `ask`.
Result<Listing> gather(const AskPage& ask, const char* name, std::uint32_t limit, Cursor from = {});

}  // namespace drover::cli
