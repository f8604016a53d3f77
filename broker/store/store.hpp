// The store: what the broker remembers across a crash.
//
// A port with adapters (the journal, memory) that pass one conformance suite
// (tests/contract/store_conformance.hpp). The scheduling state lives in memory; a store does three
// things for it: it appends records and makes them durable in order, gives a record back by its
// place, and replays all of them at start.
//
//   append, carry -> open group -> flush -> being written -> durable
//
// The caller is one thread, its loop. append and carry only fill memory; what waits for a disk goes
// on in the store's own threads, and `wake_fd` becomes readable when there is news. Bytes are
// opaque here: record_codec.hpp gives them their meaning.
//
// A failure to write is final (`failure`): the caller stops, for what it has decided is ahead of
// the disk. It never retries.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/record.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace drover::broker {

// Where an append went. A batch of records in one append is numbered first_seq, first_seq + 1, ...;
// `where` are their places in order (valid until the next append).
struct Appended {
  std::uint64_t first_seq = 0;
  std::span<const Locator> where;
};

// A record given back at start, or for cleaning. `seq` is 0 for carried ones.
struct Kept {
  std::uint64_t seq = 0;
  Locator where;
  std::string_view bytes;  // valid during the call only
};

// What a fetch brought.
struct Fetched {
  struct Event {
    std::uint64_t seq;
    std::string bytes;
  };
  std::uint64_t ticket = 0;
  Errc code = Errc::ok;       // EVENTS_TRIMMED for events; IO_FAILED, STORE_DAMAGED
  std::string message;        // of a code other than ok, with file and offset
  std::string bytes;          // of fetch
  std::vector<Event> events;  // of fetch_events, ascending, without a gap
};

struct StoreFigures {
  std::uint64_t disk_bytes = 0;      // all files of the store
  std::uint64_t segments = 0;        // that hold records
  std::uint64_t spares = 0;          // segments that wait for their use
  std::uint64_t commits = 0;         // groups made durable since the start
  std::uint64_t commit_us_last = 0;  // how long the newest took, write and sync
  std::uint64_t commit_us_max = 0;
  std::uint64_t cached_bytes = 0;     // of recent records kept in memory
  std::uint64_t carried_bytes = 0;    // written again by cleaning, since the start
  std::uint64_t torn_tail_bytes = 0;  // cut off at the start, never acknowledged
  std::uint64_t log_bytes_max = 0;    // what the log may take: retain, or what the disk has
  std::uint64_t trimmed_early = 0;    // segments that retain would have kept, had there been room
};

class Store {
 public:
  virtual ~Store() = default;

  // Replays every record that is kept, oldest first, and readies the store for appending. `visit`
  // may refuse a record; that stops the start with its error. Errors: STORE_DAMAGED (with file and
  // offset), STORE_IN_USE, STORE_TOO_NEW, BAD_CONFIGURATION, IO_FAILED, STORAGE_FULL (a new store
  // on a full disk). Called once, before anything else.
  virtual Result<void> open(const std::function<Result<void>(const Kept&)>& visit) = 0;

  virtual StoreId id() const = 0;

  // Called (on the loop, inside append or carry) when the first group of a segment begins: gives
  // the encoded `books` record of all that was appended before. Set once, after open.
  virtual void set_books(std::function<std::string()> books) = 0;

  // Adds records that belong together to the open group: all become durable at once or none does.
  virtual Appended append(std::span<const std::string_view> records) = 0;

  // Adds one record without a number: a newer copy of something old.
  virtual Locator carry(std::string_view record) = 0;

  // Hands the open group to the disk unless one is being written: then it keeps growing. Never
  // blocks. Call it at the end of a turn and after news. (A group that has grown large does not
  // wait for it.)
  virtual void flush() = 0;

  // Positions: how many records (of both kinds) have been added, and how many of these are durable.
  // Whatever was decided at position p may be told once durable() >= p.
  virtual std::uint64_t appended() const = 0;
  virtual std::uint64_t durable() = 0;

  // Numbers: of the newest event added (0 = none yet), the newest durable, the oldest that can
  // still be replayed (newest + 1 when there is none).
  virtual std::uint64_t newest_seq() const = 0;
  virtual std::uint64_t durable_seq() = 0;
  virtual std::uint64_t oldest_seq() const = 0;

  // Why nothing more will become durable.
  virtual std::optional<Error> failure() = 0;

  // Bytes waiting in the open group and behind it. Above 8 MiB the caller stops taking new work.
  virtual std::size_t backlog_bytes() const = 0;

  // False while the disk has no room for new tasks; results and confirms still fit.
  virtual bool takes_submissions() = 0;

  // False while the room left is for the ends of what is running: no more is begun.
  virtual bool takes_leases() = 0;

  // A record that is still in memory (recent, or not yet written); valid until the next call of any
  // other member.
  virtual std::optional<std::string_view> cached(const Locator& where) = 0;

  // The record will not be asked for again: its memory can go. A hint, nothing depends on it.
  virtual void forget(const Locator& where) = 0;

  // Starts reading a record that is kept; what it brings comes out of next_fetched under the
  // ticket. Reads that are pending keep their segment from being recycled.
  virtual void fetch(std::uint64_t ticket, const Locator& where) = 0;

  // Starts reading durable events with seq > since: at most `count`, ending at `bytes` bytes (but
  // not before the first) or at the newest durable one.
  virtual void fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                            std::size_t bytes) = 0;
  virtual std::optional<Fetched> next_fetched() = 0;

  // How many bytes of records the core still needs: bounds what cleaning must keep.
  virtual void set_live_bytes(std::uint64_t bytes) = 0;

  // Cleaning. While the store is over its bound it hands out the records of its oldest segment, in
  // steps in proportion to what was appended. For each, the caller carries a newer copy if it still
  // needs it, before it asks for the next; when all copies are durable the segment is used again.
  // nullopt: nothing to do now.
  virtual std::optional<Kept> next_to_clean() = 0;

  // Readable when durable(), failure() or next_fetched() has news; -1 where the store has no
  // threads. Reading the news (`acknowledge_wake`) comes before asking for it.
  virtual int wake_fd() const = 0;
  virtual void acknowledge_wake() = 0;

  virtual StoreFigures figures() const = 0;

  // Makes what was appended durable and ends the store's threads. Safe to call twice.
  virtual void close() = 0;
};

}  // namespace drover::broker
