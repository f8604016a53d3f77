// Finding what is whole in bytes that make no sense as groups: single records by their checksums,
// and a segment's salt by the checksum of a group.
//
// A record's checksum covers its place, so nothing from elsewhere, or from an earlier use of the
// file, is taken for one. What a torn commit left behind could be: a record that was never
// acknowledged. It does no harm, whoever sent it sends it again.
#pragma once

#include <cstdint>
#include <functional>

#include "broker/store/journal/io.hpp"
#include "broker/store/store.hpp"

namespace drover::broker::upkeep {

// Hands over each whole record between two offsets of a segment, without its number. Says how many
// there were. What cannot be read holds none.
std::uint64_t scavenge(journal::File& file, std::uint32_t segment, std::uint64_t from,
                       std::uint64_t to, const std::function<void(const Kept&)>& record);

// The salt of a segment whose header is gone; 0 if no group in it is whole.
std::uint64_t find_salt(journal::File& file, std::uint32_t segment, std::uint64_t size);

}  // namespace drover::broker::upkeep
