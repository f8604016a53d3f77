#include "broker/store/journal/journal_store.hpp"

#include <utility>

#include "broker/store/journal/journal.hpp"
#include "broker/store/journal/posix_io.hpp"
#include "broker/store/journal/thread_hands.hpp"

namespace drover::broker::journal {

Result<std::unique_ptr<Store>> make_journal_store(const std::string& directory,
                                                  const JournalOptions& options) {
  auto io = PosixIo::open_directory(directory);
  if (!io) return io.error();
  auto hands = std::make_unique<ThreadHands>(std::move(*io));
  return std::unique_ptr<Store>(std::make_unique<Journal>(std::move(hands), options));
}

}  // namespace drover::broker::journal
