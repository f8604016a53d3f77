// The journal without threads, for tests and the simulation: what the disk is to do happens when
// `pump` is called.
//
//   SimDisk disk(seed);
//   InlineJournalStore store(disk, options);
//   store.open(...); store.append(...); store.flush();
//   store.pump_commit();   // written, not synced: a power cut may still lose it
//   store.pump_commit();   // durable
//   store.pump_all();      // whatever else there is: reads, spare segments
#pragma once

#include <memory>
#include <utility>

#include "broker/store/journal/inline_hands.hpp"
#include "broker/store/journal/journal.hpp"

namespace drover::broker::journal {

class InlineJournalStore final : public Journal {
 public:
  // `io` must outlive the store.
  InlineJournalStore(Io& io, JournalOptions options)
      : InlineJournalStore(std::make_unique<InlineHands>(io), std::move(options)) {}

  // One step of the oldest commit (its write, or its sync). False if none is waiting.
  bool pump_commit() { return hands_.pump_commit(); }
  // One read, or one spare segment made or recycled. False if none is waiting.
  bool pump_chore() { return hands_.pump_chore(); }
  // One step of either kind, commits first.
  bool pump() { return pump_commit() || pump_chore(); }

  // Everything that can be done without another call of flush.
  void pump_all() {
    while (pump()) failure();  // asking takes the work in, which may lead to more
  }

 private:
  InlineJournalStore(std::unique_ptr<InlineHands> hands, JournalOptions options)
      : Journal(std::move(hands), std::move(options)),
        hands_(static_cast<InlineHands&>(Journal::hands())) {}

  InlineHands& hands_;
};

}  // namespace drover::broker::journal
