#include "broker/store/journal/io.hpp"

namespace drover::broker::journal {

Result<void> read_exactly(File& file, std::uint64_t offset, std::span<char> into) {
  while (!into.empty()) {
    const auto moved = file.read(offset, into);
    if (!moved) return moved.error();
    if (*moved == 0) return Error{Errc::io_failed, "a file ended before it should"};
    offset += *moved;
    into = into.subspan(*moved);
  }
  return {};
}

Result<void> write_all(File& file, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto moved = file.write(offset, bytes);
    if (!moved) return moved.error();
    if (*moved == 0) return Error{Errc::io_failed, "a file took none of the bytes written to it"};
    offset += *moved;
    bytes.remove_prefix(*moved);
  }
  return {};
}

}  // namespace drover::broker::journal
