#include "tests/faults/victim.hpp"

#include <iterator>

#include "broker/store/journal/inline_journal_store.hpp"
#include "broker/store/journal/recovery.hpp"
#include "broker/store/record_codec.hpp"
#include "common/base/assert.hpp"

namespace drover::test {
namespace {

using broker::Kept;
using broker::Record;
using broker::RecordKind;
using broker::journal::InlineJournalStore;
using broker::journal::JournalOptions;
using broker::journal::recover;

constexpr RecordKind kKinds[] = {RecordKind::created,     RecordKind::started,
                                 RecordKind::completed,   RecordKind::retrying,
                                 RecordKind::failed,      RecordKind::dead,
                                 RecordKind::cancelled,   RecordKind::expired,
                                 RecordKind::requeued,    RecordKind::stopped,
                                 RecordKind::purged,      RecordKind::worker_joined,
                                 RecordKind::worker_left, RecordKind::worker_draining,
                                 RecordKind::whole,       RecordKind::key,
                                 RecordKind::books};

std::string record_of(RecordKind kind, Random& random) {
  const std::string blob(random.below(300), static_cast<char>(random.below(256)));
  Record record;
  record.kind = kind;
  record.task = make_task_id(instant_from_ms(1'800'000'000'000), "default", random);
  record.tenant = record.queue = "default";
  record.type = "code.review";
  record.admission = random.below(1000);
  record.blob = blob;
  record.idempotency_key = "key";
  if (kind == RecordKind::worker_joined) record.host = "host";
  std::string bytes;
  encode_record(record, bytes);
  return bytes;
}

JournalOptions options_of(const VictimOptions& options) {
  JournalOptions journal;
  journal.segment_bytes = options.segment_bytes;
  journal.retain_bytes = 1024 * 1024;
  journal.seed = options.seed + 2;
  journal.clock_ms = [] { return std::int64_t{1'800'000'000'000}; };
  return journal;
}

void commit(InlineJournalStore& store) {
  while (store.durable() < store.appended()) {
    store.flush();
    store.pump_all();
  }
}

void fill(SimDisk& disk, const VictimOptions& options) {
  Random random(options.seed);
  InlineJournalStore store(disk, options_of(options));
  DROVER_ASSERT(store.open([](const Kept&) { return Result<void>(); }));
  store.set_books([&] { return record_of(RecordKind::books, random); });
  for (std::size_t i = 0; store.figures().segments < options.segments; ++i) {
    const RecordKind kind = kKinds[i % std::size(kKinds)];
    const std::string one = record_of(kind, random), two = record_of(kind, random);
    const std::string_view both[] = {one, two};
    if (is_event(kind)) {
      store.append(both);
    } else {
      store.carry(one);
    }
    if (i % 3 == 0) commit(store);
  }
  for (int i = 0; i < 8; ++i) {
    const std::string one = record_of(kKinds[i], random);
    const std::string_view only[] = {one};
    store.append(only);
    commit(store);
  }
}

}  // namespace

Victim::Victim(const VictimOptions& victim) : options(options_of(victim)), disk(victim.seed) {
  fill(disk, victim);
  const auto recovered = recover(disk, [this](const Kept& kept) -> Result<void> {
    expected.push_back({kept.seq, kept.where, std::string(kept.bytes)});
    return {};
  });
  DROVER_ASSERT(recovered.has_value());
  for (const auto& name : disk.names()) {
    if (name.starts_with("segment-")) segments.push_back(name);
  }
  end = recovered->segments.newest().end;
}

Victim::Verdict Victim::verdict() {
  std::size_t at = 0;
  bool differs = false;
  const auto recovered = recover(disk, [&](const Kept& kept) -> Result<void> {
    differs = differs || at >= expected.size() || kept.seq != expected[at].seq ||
              kept.where != expected[at].where || kept.bytes != expected[at].bytes;
    ++at;
    return {};
  });
  if (recovered) {
    if (differs) return Verdict::wrong;
    return at == expected.size() ? Verdict::same : Verdict::shorter;
  }
  said = recovered.error().message;
  const bool told = said.find(", offset ") != std::string::npos;
  const bool known = recovered.error().code == Errc::store_damaged;
  return told && known ? Verdict::refused : Verdict::wrong;
}

}  // namespace drover::test
