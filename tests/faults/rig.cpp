#include "tests/faults/rig.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace drover::test {

using broker::Appended;
using broker::Fetched;
using broker::Kept;
using broker::Locator;
using broker::journal::InlineJournalStore;
using broker::journal::JournalOptions;

namespace {

constexpr std::uint32_t kKeys = 64;

}  // namespace

Rig::Rig(SimDisk& disk, std::uint64_t seed, const RigOptions& options)
    : disk_(disk), options_(options), random_(seed) {}

bool Rig::start() {
  JournalOptions options;
  options.segment_bytes = options_.segment_bytes;
  options.retain_bytes = options_.retain_bytes;
  options.cache_bytes = 2 * 1024;
  options.seed = 1;
  options.clock_ms = [this] { return now_ms; };
  store_ = std::make_unique<InlineJournalStore>(disk_, options);
  ledger_.begin_replay();
  const auto opened = store_->open([this](const Kept& kept) -> Result<void> {
    ledger_.replay(kept);
    return {};
  });
  if (!opened) {
    refusal_ = opened.error();
    saw_failure_ = true;
    store_.reset();
    return false;
  }
  note(ledger_.judge_replay());
  if (id_ && *id_ != store_->id()) note("the store has another id");
  if (ledger_.acknowledged() > 0) id_ = store_->id();
  store_->set_books([this] {
    std::string books = ledger_.books();
    ledger_.add_books(books);
    return books;
  });
  store_->set_live_bytes(ledger_.live_bytes());
  return true;
}

void Rig::kill() {
  saw_failure_ = saw_failure_ || (store_ && failed());
  store_.reset();
  reads_.clear();
  pages_.clear();
}

void Rig::close() {
  store_->close();
  acknowledge();
  kill();
}

void Rig::step() {
  now_ms += 100;
  switch (random_.below(16)) {
    case 0:
    case 1: read_record(); break;
    case 2: read_events(); break;
    case 3:
    case 4: clean(); break;
    case 5:
    case 6:
    case 7: flush(); break;
    case 8:
    case 9:
    case 10: pump(); break;
    default: append(), clean();
  }
  if (!wrong_) take_fetched();
}

std::string Rig::random_version() {
  const auto size = random_.below(options_.record_bytes_max);
  const bool crowded = ledger_.live_bytes() > options_.live_bytes_max;
  if (crowded || random_.one_in(3)) {
    if (const auto key = ledger_.any_key(random_)) {
      return ledger_.next_version(*key, crowded || random_.one_in(2), size / 4, random_);
    }
  }
  return ledger_.next_version(static_cast<std::uint32_t>(random_.below(kKeys)), false, size,
                              random_);
}

void Rig::append() {
  std::vector<std::string> records;
  const auto count = 1 + random_.below(3);
  while (records.size() < count) records.push_back(random_version());
  add(records);
  store_->set_live_bytes(ledger_.live_bytes());
}

void Rig::submit() {
  const auto size = options_.record_bytes_max / 2 + random_.below(options_.record_bytes_max / 2);
  add(std::vector{ledger_.next_version(next_key_++, false, size, random_)});
  store_->set_live_bytes(ledger_.live_bytes());
}

void Rig::finish() {
  const auto key = ledger_.any_key(random_);
  if (!key) return;
  add(std::vector{ledger_.next_version(*key, true, random_.below(60), random_)});
  store_->set_live_bytes(ledger_.live_bytes());
}

void Rig::add(std::span<const std::string> records) {
  const std::vector<std::string_view> views(records.begin(), records.end());
  ledger_.end_decision();
  const Appended added = store_->append(views);
  for (std::size_t i = 0; i < records.size(); ++i) {
    ledger_.add(added.first_seq + i, added.where[i], records[i]);
  }
  ledger_.end_decision();
}

void Rig::flush() {
  store_->flush();
  acknowledge();
}

void Rig::pump() {
  for (auto i = random_.below(6); i > 0; --i) {
    random_.one_in(3) ? store_->pump_chore() : store_->pump();
  }
  acknowledge();
}

void Rig::settle() {
  while (!failed() && store_->durable() < store_->appended()) {
    store_->flush();
    store_->pump_all();
  }
  store_->pump_all();
  acknowledge();
}

void Rig::clean() {
  if (random_.one_in(2)) store_->pump_chore();
  while (const auto kept = store_->next_to_clean()) {
    if (!ledger_.counts(kept->where, kept->bytes)) continue;
    const std::string bytes(kept->bytes);
    ledger_.end_decision();
    const Locator where = store_->carry(bytes);
    ledger_.add(0, where, bytes);
  }
}

void Rig::read_record() {
  const auto key = ledger_.any_key(random_);
  if (!key) return;
  for (const auto& entry : ledger_.entries()) {
    if (!entry.where || !ledger_.counts(entry.where, entry.bytes) || !random_.one_in(4)) continue;
    if (const auto bytes = store_->cached(entry.where); bytes && *bytes != entry.bytes) {
      note("a cached record has other bytes");
    }
    reads_[++ticket_] = entry.bytes;
    return store_->fetch(ticket_, entry.where);
  }
}

void Rig::read_events() {
  const auto oldest = store_->oldest_seq();
  const auto newest = store_->newest_seq();
  const auto since = oldest - 1 + random_.below(newest + 2 - oldest);
  pages_[++ticket_] = since;
  store_->fetch_events(ticket_, since, 1 + random_.below(20), random_.below(2000));
}

void Rig::take_fetched() {
  while (const auto fetched = store_->next_fetched()) {
    if (fetched->code != Errc::ok) {
      if (!disk_.fault_happened()) note("a read failed: " + fetched->message);
      continue;
    }
    if (const auto read = reads_.find(fetched->ticket); read != reads_.end()) {
      if (fetched->bytes != read->second) note("a record was read with other bytes");
    } else {
      judge_page(*fetched);
    }
  }
}

void Rig::judge_page(const Fetched& page) {
  auto seq = pages_[page.ticket];
  for (const auto& event : page.events) {
    if (event.seq != ++seq) return note("a page of events has a gap");
    const auto* known = ledger_.event(seq);
    if (known == nullptr || known->bytes != event.bytes) return note("an event has other bytes");
    if (event.seq > store_->durable_seq()) return note("an event was told before it was durable");
  }
}

void Rig::note(std::optional<std::string> wrong) {
  if (!wrong_) wrong_ = std::move(wrong);
}

}  // namespace drover::test
