#include "drover/follow_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/wire/reader.hpp"

namespace drover {
namespace {

constexpr std::uint32_t kPageMax = 1000;
constexpr std::string_view kTick = "bus.tick";

Error bad_cursor(std::string_view text) {
  return {Errc::bad_cursor, fmt::format("'{}' is no cursor", text.substr(0, 80)), "since"};
}

// Reads a store's id, which is a blob in events and a text in bodies.
StoreId read_store(wire::Reader& r) {
  if (r.peek() == wire::Reader::Type::bin) return r.id<StoreTag>();
  const auto parsed = parse_uuid(r.str());
  if (!parsed) r.fail(Errc::malformed, "a store's id is no UUID");
  return parsed ? StoreId{*parsed} : StoreId{};
}

// The number that a tick tells.
std::uint64_t seq_in(std::string_view data) {
  wire::Reader r(data);
  std::uint64_t seq = 0;
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    if (r.str() == "seq") {
      seq = r.uint();
    } else {
      r.skip();
    }
  }
  return r.failed() ? 0 : seq;
}

}  // namespace

std::string to_string(const Cursor& cursor) {
  return fmt::format("{}:{}", to_string(cursor.store), cursor.seq);
}

Result<Cursor> parse_cursor(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return bad_cursor(text);
  const auto store = parse_uuid(text.substr(0, colon));
  const auto number = text.substr(colon + 1);
  std::uint64_t seq = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), seq);
  const bool whole = read.ec == std::errc() && read.ptr == number.data() + number.size();
  if (!store || !whole) return bad_cursor(text);
  return Cursor{StoreId{*store}, seq};
}

Result<BusEvent> read_event(std::string_view bytes) {
  wire::Reader r(bytes);
  BusEvent event;
  event.bytes = bytes;
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    const auto key = r.str();
    if (key == "store") {
      event.store = read_store(r);
    } else if (key == "seq") {
      event.seq = r.take_nil() ? 0 : r.uint();
    } else if (key == "ts") {
      event.at = r.instant();
    } else if (key == "type") {
      event.type = r.str();
    } else if (key == "tenant") {
      event.tenant = r.str();
    } else if (key == "subject") {
      event.subject = r.str();
    } else if (key == "data") {
      event.data = r.raw();
    } else {
      r.skip();
    }
  }
  if (!r.failed() && event.type.empty()) r.fail(Errc::malformed, "an event has no type");
  if (r.failed()) return r.error();
  return event;
}

Result<EventsPage> read_events_page(std::string_view body) {
  wire::Reader r(body);
  EventsPage page;
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    const auto key = r.str();
    if (key == "reached") {
      if (!r.take_nil()) page.reached = r.uint();
    } else if (key == "reached_at") {
      page.reached_at = r.instant();
    } else if (key == "events") {
      for (auto count = r.array(); count > 0 && !r.failed(); --count) {
        auto event = read_event(r.raw());
        if (!event) return event.error();
        page.events.push_back(std::move(*event));
      }
    } else {
      r.skip();
    }
  }
  if (r.failed()) return r.error();
  return page;
}

Result<Cursor> read_books(std::string_view body) {
  wire::Reader r(body);
  Cursor cursor;
  for (auto left = r.map(); left > 0 && !r.failed(); --left) {
    const auto key = r.str();
    if (key == "seq") {
      cursor.seq = r.uint();
    } else if (key == "store") {
      cursor.store = read_store(r);
    } else {
      r.skip();
    }
  }
  if (!r.failed() && cursor.store.is_nil()) r.fail(Errc::malformed, "the books name no store");
  if (r.failed()) return r.error();
  return cursor;
}

FollowCore::FollowCore(Cursor start, Instant now, Options options)
    : options_(options),
      cursor_(start),
      reached_(start.seq),
      newest_(start.seq + 1),  // not known: asking tells
      store_(start.store),
      heard_at_(now),
      ask_at_(now) {}

void FollowCore::heard(std::string_view bytes, Instant now) {
  heard_at_ = now;
  auto event = read_event(bytes);
  if (!event) {
    ++unreadable_;
    return;
  }
  if (event->store != store_ && !foreign_) {
    foreign_ = true;
    gap_reason_ = name_of(Errc::events_foreign);
    aside_.clear();
  }
  if (event->type == kTick) {
    if (!foreign_) newest_ = std::max(newest_, seq_in(event->data));
  } else if (event->seq == 0) {
    if (told_.size() < options_.aside_max) tell(std::move(*event));
  } else {
    take(std::move(*event));
  }
}

// Tells the next one, keeps later ones aside as long as there is room: those beyond are asked for.
void FollowCore::take(BusEvent event) {
  if (!foreign_) newest_ = std::max(newest_, event.seq);
  const bool room = told_.size() < options_.aside_max;
  if (!foreign_ && event.seq <= reached_) return;
  if (!foreign_ && event.seq == reached_ + 1 && room) {
    tell(std::move(event));
    take_aside();
  } else if (aside_.size() < options_.aside_max) {
    aside_.emplace(event.seq, std::move(event));
  }
}

void FollowCore::take_aside() {
  while (!aside_.empty() && told_.size() < options_.aside_max) {
    auto first = aside_.begin();
    if (first->first > reached_ + 1) return;
    if (first->first == reached_ + 1) tell(std::move(first->second));
    aside_.erase(first);
  }
}

void FollowCore::tell(BusEvent event) {
  if (event.seq != 0) reached_ = event.seq;
  Followed followed;
  followed.event = std::move(event);
  told_.push_back(std::move(followed));
}

bool FollowCore::is_behind() const { return newest_ > reached_; }

std::optional<FollowCore::Question> FollowCore::next_question(Instant now) {
  const bool room = told_.size() < options_.aside_max;
  if (asked_ || !room || now < wake_at()) return std::nullopt;
  if (foreign_) {
    asked_ = Question{Question::Kind::books, {}, 0, {}};
  } else {
    // What is missing of one tenant nobody knows: a whole page saves further questions.
    const bool all_is_missing = aside_.empty() || !options_.prefix.empty();
    const auto missing = all_is_missing ? kPageMax : aside_.begin()->first - reached_ - 1;
    asked_ = Question{Question::Kind::events,
                      {store_, reached_},
                      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(missing, 1, kPageMax)),
                      options_.prefix};
  }
  heard_at_ = now;
  return asked_;
}

Instant FollowCore::wake_at() const {
  if (asked_ || told_.size() >= options_.aside_max) return kNever;
  return is_behind() || foreign_ ? ask_at_ : std::max(ask_at_, heard_at_ + options_.silence);
}

void FollowCore::answered(const Result<std::string>& body, Instant now) {
  if (!asked_) return;
  const auto question = *std::exchange(asked_, std::nullopt);
  const auto before = reached_;
  trouble_.reset();
  question.kind == Question::Kind::books ? take_books(body) : take_events(body);
  // Without progress the same question would follow at once.
  const bool stuck = (is_behind() && reached_ == before) || trouble_;
  ask_at_ = stuck && !foreign_ ? now + options_.ask_again : now;
  if (trouble_ && foreign_) ask_at_ = now + options_.ask_again;
}

void FollowCore::take_events(const Result<std::string>& body) {
  if (!body) {
    const auto code = body.error().code;
    if (code == Errc::events_trimmed || code == Errc::events_foreign) {
      foreign_ = true;
      gap_reason_ = name_of(code);
    } else {
      trouble_ = body.error();
    }
    return;
  }
  auto page = read_events_page(*body);
  if (page) {
    take_page(*page);
  } else {
    trouble_ = page.error();
  }
}

void FollowCore::take_page(const EventsPage& page) {
  for (const auto& event : page.events) {
    if (event.seq > reached_) tell(event);
  }
  if (page.reached) {
    reached_ = std::max(reached_, *page.reached);
  } else {
    newest_ = reached_;  // there are none: what was said of later ones is void
  }
  newest_ = std::max(newest_, reached_);
  take_aside();
}

// The events in between are gone: says so and goes on from where the books stand.
void FollowCore::take_books(const Result<std::string>& body) {
  const auto place = body ? read_books(*body) : Result<Cursor>(body.error());
  if (!place) {
    trouble_ = place.error();
    return;
  }
  Followed gap;
  gap.kind = Followed::Kind::gap;
  gap.from = Cursor{store_, reached_};
  gap.to = *place;
  gap.books = *body;
  gap.reason = std::exchange(gap_reason_, {});
  told_.push_back(std::move(gap));
  std::erase_if(aside_, [&](const auto& entry) { return entry.second.store != place->store; });
  store_ = place->store;
  reached_ = place->seq;
  newest_ = aside_.empty() ? reached_ : std::max(reached_, aside_.rbegin()->first);
  foreign_ = false;
  take_aside();
}

std::optional<Followed> FollowCore::next() {
  if (told_.empty()) return std::nullopt;
  auto followed = std::move(told_.front());
  told_.pop_front();
  if (followed.kind == Followed::Kind::gap) {
    cursor_ = *followed.to;
  } else if (followed.event.seq != 0) {
    cursor_ = {followed.event.store, followed.event.seq};
  }
  if (told_.empty()) {
    cursor_ = {store_, reached_};
    take_aside();
  }
  return followed;
}

}  // namespace drover
