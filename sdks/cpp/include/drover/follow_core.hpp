// Following the status bus without a gap: puts what the bus tells and what the log remembers into
// one stream of events, each durable one exactly once and in the order of its number.
//
//                        the next number
//   bus ----------------------------------------------> told
//    |  a number is missing, or a tick knows a later one    ^
//    '--> kept aside, and the broker is asked ------------> |  events since the cursor
//                                   |                       |
//                                   '-- trimmed, foreign: books, and a `gap` is told
//
// The bus may drop; its numbers show what is missing. A tick every second shows a lost last event,
// and silence of the bus makes the broker be asked all the same. Events without a number are passed
// on as they come.
//
// A follower of one tenant hears that tenant's events alone, so numbers are missing that are
// others'. It asks in the same way; a page says how far it reaches, whether or not it had anything
// of ours.
//
// Pure: time arrives as `now`. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace drover {

// A place in the log of one store. Spelled "0190...:42"; opaque to users.
struct Cursor {
  StoreId store;
  std::uint64_t seq = 0;

  bool operator==(const Cursor&) const = default;
};
std::string to_string(const Cursor& cursor);
Result<Cursor> parse_cursor(std::string_view text);  // BAD_CURSOR

// One event of the bus. `data` is a msgpack map, `bytes` the whole event.
struct BusEvent {
  StoreId store;
  std::uint64_t seq = 0;  // 0 = it has none: nobody keeps it
  Instant at;
  std::string type;
  std::string tenant;
  std::string subject;
  std::string data;
  std::string bytes;
};
Result<BusEvent> read_event(std::string_view bytes);  // MALFORMED

// An answer to `events`.
struct EventsPage {
  std::deque<BusEvent> events;
  std::optional<std::uint64_t> reached;  // nothing: there were none
  std::optional<Instant> reached_at;     // when that event was, ours or not
};
Result<EventsPage> read_events_page(std::string_view body);
Result<Cursor> read_books(std::string_view body);  // the place that the books hold for

// What a follower is told.
struct Followed {
  enum class Kind : std::uint8_t { event, gap };
  Kind kind = Kind::event;
  BusEvent event;                  // of an event
  std::optional<Cursor> from, to;  // of a gap: events after `from` up to `to` will never be told
  std::string books;               // of a gap: all counters as they stood at `to`, one msgpack map
  std::string reason;              // of a gap: EVENTS_TRIMMED or EVENTS_FOREIGN
};

class FollowCore {
 public:
  struct Options {
    Duration silence = 3s;    // without a word from the bus the broker is asked
    Duration ask_again = 1s;  // after a question that failed
    std::size_t aside_max = 4096;
    std::string prefix = {};  // of the topics that we hear; "" = all
  };

  FollowCore(Cursor start, Instant now, Options options);

  // A message of the bus. What cannot be read is counted and passed over.
  void heard(std::string_view event, Instant now);

  // What to ask the broker now. The answer, or why there is none, must follow before the next
  // question is given.
  struct Question {
    enum class Kind : std::uint8_t { events, books };
    Kind kind = Kind::events;
    Cursor since;             // of events
    std::uint32_t limit = 0;  // of events
    std::string prefix = {};  // of events
  };
  std::optional<Question> next_question(Instant now);
  void answered(const Result<std::string>& body, Instant now);

  std::optional<Followed> next();
  bool has_next() const { return !told_.empty(); }
  Instant wake_at() const;  // when next_question may have something; kNever = not by itself

  const Cursor& cursor() const { return cursor_; }  // of the newest event given out by next()
  std::uint64_t unreadable() const { return unreadable_; }
  const std::optional<Error>& trouble() const { return trouble_; }  // why questions fail now

 private:
  void take(BusEvent event);
  void take_page(const EventsPage& page);
  void take_aside();
  void tell(BusEvent event);
  void take_books(const Result<std::string>& body);
  void take_events(const Result<std::string>& body);
  bool is_behind() const;

  Options options_;
  Cursor cursor_;          // of what was given out
  std::uint64_t reached_;  // of what is told or ready to be
  std::uint64_t newest_;   // known to exist
  StoreId store_;
  bool foreign_ = false;  // the bus speaks of another store
  std::map<std::uint64_t, BusEvent> aside_;
  std::deque<Followed> told_;
  std::optional<Question> asked_;
  std::string gap_reason_;
  Instant heard_at_;
  Instant ask_at_;
  std::uint64_t unreadable_ = 0;
  std::optional<Error> trouble_;
};

}  // namespace drover
