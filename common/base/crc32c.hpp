// CRC-32C: tells whether bytes are the ones that were written.
// Castagnoli polynomial, RFC 3720 appendix B.4, as iSCSI, ext4 and most journals use it.
#pragma once

#include <cstdint>
#include <string_view>

namespace drover {

// The checksum of `bytes`, going on from `seed` (0, or the checksum of what stood before).
// About 8 bytes a cycle where the processor has the instruction, a table elsewhere.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// The same without the instruction: for the test that holds both against each other.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace drover
