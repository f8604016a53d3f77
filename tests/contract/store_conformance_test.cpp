#include "tests/contract/store_conformance.hpp"

#include <poll.h>
#include <stdlib.h>

#include <filesystem>

#include "broker/store/journal/inline_journal_store.hpp"
#include "broker/store/journal/journal_store.hpp"
#include "broker/store/memory_store.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::broker {
namespace {

struct MemoryMedium {
  std::unique_ptr<Store> make() {
    return std::make_unique<MemoryStore>(MemoryStoreOptions{256 * 1024, 7});
  }
  void wait(Store&) {}
};

journal::JournalOptions small_journal() {
  journal::JournalOptions options;
  options.segment_bytes = 32 * 1024;
  options.retain_bytes = 256 * 1024;
  options.cache_bytes = 16 * 1024;
  options.seed = 7;
  return options;
}

// The journal on a simulated disk, one step at a time.
struct SimulatedMedium {
  std::unique_ptr<Store> make() {
    return std::make_unique<journal::InlineJournalStore>(disk, small_journal());
  }
  void wait(Store& store) { static_cast<journal::InlineJournalStore&>(store).pump(); }
  test::SimDisk disk;
};

// The journal as a broker has it: threads, and a directory of this machine.
struct RealMedium {
  RealMedium() {
    std::string path = std::filesystem::temp_directory_path() / "drover-store-XXXXXX";
    directory = ::mkdtemp(path.data());
  }
  ~RealMedium() { std::filesystem::remove_all(directory); }

  std::unique_ptr<Store> make() { return *journal::make_journal_store(directory, small_journal()); }
  void wait(Store& store) {
    pollfd news{store.wake_fd(), POLLIN, 0};
    ::poll(&news, 1, 1);
  }
  std::string directory;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryMedium);
INSTANTIATE_TYPED_TEST_SUITE_P(SimulatedJournal, StoreConformance, SimulatedMedium);
INSTANTIATE_TYPED_TEST_SUITE_P(Journal, StoreConformance, RealMedium);
INSTANTIATE_TYPED_TEST_SUITE_P(SimulatedJournal, StoreSurvival, SimulatedMedium);
INSTANTIATE_TYPED_TEST_SUITE_P(Journal, StoreSurvival, RealMedium);

}  // namespace
}  // namespace drover::broker
