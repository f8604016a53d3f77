// Settings as the broker's parts take them: the one place where the two vocabularies meet.
// Limits and defaults come from the settings alone; the parts have none of their own.
#pragma once

#include <memory>

#include "broker/io/turn.hpp"
#include "broker/store/store.hpp"
#include "common/config/settings.hpp"

namespace drover::broker {

TurnOptions turn_options(const config::Settings& settings);

// The store that store.url names, not opened yet. BAD_CONFIGURATION for a url of no known kind.
Result<std::unique_ptr<Store>> make_store(const config::Settings& settings);

}  // namespace drover::broker
