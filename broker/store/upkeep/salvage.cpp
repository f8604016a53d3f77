#include "broker/store/upkeep/salvage.hpp"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "broker/store/journal/inline_journal_store.hpp"
#include "broker/store/journal/posix_io.hpp"
#include "broker/store/upkeep/new_store.hpp"
#include "broker/store/upkeep/replay.hpp"
#include "common/base/assert.hpp"

namespace drover::broker::upkeep {
namespace {

using journal::InlineJournalStore;
using journal::PosixIo;

constexpr std::size_t kFlushBytes = 4 * 1024 * 1024;

// The log of the new store: takes the records that cleaning would carry.
class NewLog final : public Output {
 public:
  explicit NewLog(InlineJournalStore& store) : store_(store) {}

  Locator carry(const Record& record) override {
    bytes_.clear();
    encode_record(record, bytes_);
    const auto where = store_.carry(bytes_);
    if (store_.backlog_bytes() > kFlushBytes) write();
    return where;
  }
  void write() {
    store_.flush();
    store_.pump_all();
  }

  // Nothing happens in a store at rest.
  Place append(std::span<const Record>) override { return DROVER_ASSERT(false), Place{}; }
  void forget(const Locator&) override {}
  void welcome(Peer, const wire::Welcome&) override {}
  void assign(Peer, SessionId, const wire::Assign::Item&, const Locator&) override {}
  void confirm(Peer, SessionId, const wire::Verdict&) override {}
  void cancel(Peer, SessionId, const wire::CancelAttempts::Item&) override {}
  void drain(Peer, SessionId) override {}
  void alive(Peer, SessionId) override {}
  void who(Peer, SessionId, const Error&) override {}
  void wait_over(Peer, std::uint64_t, const TaskId&, bool) override {}
  void progress(const Record&, const wire::Progress::Item&) override {}

 private:
  InlineJournalStore& store_;
  std::string bytes_;
};

// What all records together say of each task, and which of them something may have happened to in a
// gap.
class Inquiry {
 public:
  void take(const Kept& kept) {
    ++at_;
    const auto stored = decode(kept);
    if (!stored || !replay_.take(kept, stored->record)) {
      ++told_.unreadable;
      return;
    }
    ++told_.records;
    if (kept.seq == 0 && is_event(stored->record.kind)) ++events_saved_;
    note(stored->record);
  }

  void take(const Gap& gap) {
    told_.gaps.push_back(gap);
    if (!gap.may_hold_events) return;
    last_gap_ = at_;
    count_missing(gap);
  }

  // That the books do not balance is no news.
  Salvaged judge() {
    (void)replay_.finish();
    for (const auto& [task, newest] : newest_) judge(task, newest);
    return std::move(told_);
  }

  Replay& replay() { return replay_; }

 private:
  struct Newest {
    std::uint64_t at = 0;  // how many records stood before it
    TaskState state = TaskState::ready;
    std::uint32_t kind = 0;  // of the task: in kinds_
  };

  // Gaps without a whole group between them were told the same events: counted once.
  void count_missing(const Gap& gap) {
    const bool is_known = gap.first_seq != 0 && gap.last_seq != 0;
    if (!is_known) told_.events_missing.reset();
    const std::pair range(gap.first_seq, gap.last_seq);
    if (is_known && told_.events_missing && range != counted_) {
      const auto held = gap.last_seq - gap.first_seq + 1;
      *told_.events_missing += held - std::min(held, events_saved_);
    }
    counted_ = range;
    events_saved_ = 0;
  }

  void note(const Record& record) {
    const bool of_task = !record.task.is_nil() && record.kind != RecordKind::key;
    if (!of_task) return;
    if (record.kind == RecordKind::purged) {
      newest_.erase(record.task);
      return;
    }
    newest_[record.task] = {at_, record.state, kind_of(record)};
  }

  std::uint32_t kind_of(const Record& record) {
    std::string name(record.tenant);
    for (const auto part : {record.queue, record.type}) (name += '/') += part;
    const auto [at, is_new] =
        kind_numbers_.try_emplace(name, static_cast<std::uint32_t>(kinds_.size()));
    if (is_new) {
      kinds_.push_back({{},
                        std::string(record.tenant),
                        std::string(record.queue),
                        std::string(record.type),
                        {}});
    }
    return at->second;
  }

  void judge(const TaskId& task, const Newest& newest) {
    Affected affected = kinds_[newest.kind];
    affected.task = task;
    affected.state = newest.state;
    if (!replay_.core().show(task)) {
      // One that has ended may have been forgotten in good order; the dead are not.
      const bool forgotten = has_ended(newest.state) && newest.state != TaskState::dead;
      if (!forgotten) list(affected, told_.lost, told_.lost_count);
    } else if (newest.at <= last_gap_ && !has_ended(newest.state)) {
      list(affected, told_.uncertain, told_.uncertain_count);
    }
  }

  static void list(const Affected& task, std::vector<Affected>& into, std::uint64_t& count) {
    ++count;
    if (into.size() < kAffectedMax) into.push_back(task);
  }

  Replay replay_;
  Salvaged told_;
  std::uint64_t at_ = 0;
  std::uint64_t last_gap_ = 0;
  std::uint64_t events_saved_ = 0;  // from within the gaps that are told next
  std::pair<std::uint64_t, std::uint64_t> counted_;
  absl::flat_hash_map<TaskId, Newest> newest_;
  absl::flat_hash_map<std::string, std::uint32_t> kind_numbers_;
  std::vector<Affected> kinds_;
};

using Present =
    std::map<std::pair<std::string, std::string>, std::array<std::uint64_t, kTaskStates>>;

// How many tasks of each queue are there, by state.
Present count_present(const Core& core) {
  Present present;
  for (std::optional<std::uint64_t> next = 0; next;) {
    const auto page = core.list({}, 1000, *next);
    for (const auto& v : page.tasks) {
      ++present[{v.tenant, v.queue}][static_cast<std::size_t>(v.state)];
    }
    next = page.next;
  }
  return present;
}

// A total of which parts were lost may be too small, or have become less than nothing.
std::uint64_t at_least(std::uint64_t total, std::uint64_t least) {
  return total > UINT64_MAX / 2 ? least : std::max(total, least);
}

// Books that balance: what is there now is certain, totals are what is left of them, and as many
// tasks were submitted as that makes.
std::string balanced_books(const Core& core, Instant now) {
  Queues books;
  const auto next_admission = books.load(core.save_books());
  DROVER_ASSERT(next_admission.has_value());
  auto present = count_present(core);
  for (const QueueView& view : core.queues(now)) {
    QueueBooks& b = books[books.find_or_add(view.tenant, view.queue, SIZE_MAX)].books;
    const auto& here = present[{view.tenant, view.queue}];
    b.submitted = b.purged = at_least(view.books.purged, 0);
    for (std::size_t state = 0; state < kTaskStates; ++state) {
      b.by_state[state] = at_least(view.books.by_state[state], here[state]);
      b.submitted += b.by_state[state];
    }
  }
  return books.save(*next_admission);
}

Record books_record(const std::string& blob, Instant now) {
  Record record;
  record.kind = RecordKind::books;
  record.at = now;
  record.blob = blob;
  return record;
}

journal::JournalOptions options_for(const Surveyed& surveyed) {
  journal::JournalOptions options;
  if (surveyed.segment_bytes != 0) options.segment_bytes = surveyed.segment_bytes;
  options.retain_bytes = UINT64_MAX / 4;  // nothing is cleaned while it is written
  return options;
}

// Writes again whatever still counts, by walking over the old store once more.
Result<void> write_store(journal::Io& old, journal::Io& into, Replay& replay,
                         const Surveyed& surveyed) {
  const Instant now = replay.newest();
  InlineJournalStore store(into, options_for(surveyed));
  if (auto opened = store.open([](const Kept&) { return Result<void>(); }); !opened) return opened;
  NewLog log(store);
  const auto books = balanced_books(replay.core(), now);
  store.set_books([&] {
    std::string bytes;
    encode_record(books_record(books, now), bytes);
    return bytes;
  });
  log.carry(books_record(books, now));
  const auto carry = [&](const Kept& kept) {
    const auto stored = decode(kept);
    if (stored) replay.core().carry(stored->record, kept.where, now, log);
  };
  auto walked = survey(old, {carry, [](const Gap&) {}});
  log.write();
  store.close();
  if (const auto failed = store.failure()) return *failed;
  return walked ? Result<void>() : walked.error();
}

}  // namespace

Result<Salvaged> salvage(const std::string& from, const std::string& to) {
  const auto old = PosixIo::open_to_read(from);
  if (!old) return old.error();
  if (auto locked = (*old)->lock(); !locked) return locked.error();
  Inquiry inquiry;
  const auto surveyed = survey(**old, {[&](const Kept& kept) { inquiry.take(kept); },
                                       [&](const Gap& gap) { inquiry.take(gap); }});
  if (!surveyed) return surveyed.error();
  Salvaged salvaged = inquiry.judge();
  salvaged.from = surveyed->store;
  auto into = NewStore::claim(to);
  if (!into) return into.error();
  const auto written = write_store(**old, into->io(), inquiry.replay(), *surveyed);
  if (!written) return written.error();
  auto made = verify(into->io());
  if (!made) return made.error();
  into->keep();
  salvaged.made = *made;
  return salvaged;
}

}  // namespace drover::broker::upkeep
