#include "broker/store/journal/journal.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"

namespace drover::broker::journal {
namespace {

constexpr std::int64_t kRetrySpaceMs = 1000;

// A lease makes a result due: the newest spare but this many is begun for what is running alone.
constexpr std::size_t kSparesForLeases = 2;

}  // namespace

Journal::Journal(std::unique_ptr<Hands> hands, JournalOptions options)
    : hands_(std::move(hands)),
      options_(std::move(options)),
      random_(options_.seed),
      recent_(options_.cache_bytes),
      spares_(*hands_, options_.segment_bytes) {}

Journal::~Journal() {
  hands_->stop();
  if (open_) hands_->io().unlock();
}

// --- open and close

Result<void> Journal::open(const std::function<Result<void>(const Kept&)>& visit) {
  DROVER_ASSERT(!placement_);
  Io& io = hands_->io();
  auto options = complete(options_, io);
  if (!options) return options.error();
  options_ = std::move(*options);
  if (auto locked = io.lock(); !locked) return locked;
  auto prepared = prepare(io, options_, random_, visit);
  if (!prepared) return io.unlock(), prepared.error();
  start_with(std::move(*prepared));
  return {};
}

void Journal::start_with(Prepared prepared) {
  segments_ = std::move(prepared.recovered.segments);
  const SegmentHeader& newest = segments_.newest().header;
  id_ = newest.store;
  random_ = Random(options_.seed ^ newest.salt ^ (std::uint64_t{newest.number} << 32));
  mark_ = std::move(prepared.mark);
  durable_seq_ = prepared.recovered.next_seq - 1;
  figures_.torn_tail_bytes = prepared.recovered.torn_tail_bytes;
  for (auto& spare : prepared.spares) spares_.adopt(std::move(spare));
  cleaner_.emplace(*hands_, segments_, options_.segment_bytes, options_.retain_bytes);
  placement_.emplace(options_, segments_, recent_, durable_seq_ + 1, random_);
  placement_->set_retired([this] { return cleaner_->retired(); });
  open_ = true;
  if (const auto space = hands_->io().space()) note_space(*space);
  hands_->start();
  spares_.tend(0);
}

void Journal::set_books(std::function<std::string()> books) {
  placement_->set_books(std::move(books));
}

void Journal::close() {
  if (!open_) return;
  if (placement_->has_open()) placement_->seal();
  take_in();
  while (durable_ < placement_->added() && !failure_) {
    hands_->wait();
    take_in();
  }
  hands_->stop();
  sync_mark();
  hands_->io().unlock();
  open_ = false;
}

void Journal::sync_mark() {
  if (failure_) return;
  if (auto synced = mark_->sync(); !synced) fail(synced.error());
}

// --- adding

Appended Journal::append(std::span<const std::string_view> records) {
  if (records.empty()) return {placement_->next_seq(), {}};
  std::uint64_t framed = 0;
  for (const auto record : records) framed += framed_bytes(record.size());
  placement_->make_room(framed);
  places_.clear();
  const auto first = placement_->next_seq();
  for (const auto record : records) places_.push_back(placement_->add(record, false));
  cleaner_->earned(framed);
  dispatch();
  return {first, places_};
}

Locator Journal::carry(std::string_view record) {
  placement_->make_room(framed_bytes(record.size()));
  figures_.carried_bytes += record.size();
  const auto where = placement_->add(record, true);
  dispatch();
  return where;
}

void Journal::flush() {
  take_in();
  const bool busy = under_way_ > 0 || placement_->next_sealed() != nullptr;
  if (failure_ || busy || !placement_->has_open()) return;
  placement_->seal();
  dispatch();
}

// Gives the sealed groups to the hands; one that begins a segment needs a file for it first.
void Journal::dispatch() {
  while (!failure_ && placement_->next_sealed() != nullptr && dispatch_one()) {
  }
}

bool Journal::dispatch_one() {
  const GroupPtr group = placement_->next_sealed();
  auto commit = std::make_unique<Commit>();
  if (group->begins) {
    auto spare = spares_.take();
    spares_.tend(cleaner_->retired());
    if (!spare) return await_spare();
    segments_.at(group->segment()).file = std::move(spare->file);
    commit->spare = std::move(spare->name);
  }
  commit->group = group;
  commit->file = segments_.at(group->segment()).file;
  commit->mark = mark_;
  commit->store = id_;
  placement_->pop_sealed();
  ++under_way_;
  hands_->give(std::move(commit));
  return true;
}

// A segment whose first group is still being written may give others up.
bool Journal::await_spare() {
  if (spares_.exhausted() && under_way_ == 0) {
    fail({Errc::io_failed, "the disk is full: there is no space for another segment"});
  }
  return false;
}

// --- news from the hands

// A commit counts only if no chore had failed by the time it was done: the disk may have told the
// chore what the commit should have heard.
void Journal::take_in() {
  std::vector<std::unique_ptr<Commit>> commits;
  while (auto commit = hands_->take_commit()) commits.push_back(std::move(commit));
  while (const auto chore = hands_->take_chore()) {
    chore->done();
    spares_.tend(cleaner_->retired());
  }
  if (spares_.failure()) fail(*spares_.failure());
  if (cleaner_->failure()) fail(*cleaner_->failure());
  for (const auto& commit : commits) committed(*commit);
  dispatch();
}

void Journal::committed(const Commit& commit) {
  if (!commit.outcome) fail(commit.outcome.error());
  if (failure_) return;
  const Group& group = *commit.group;
  --under_way_;
  durable_ += group.header().records;
  durable_seq_ = group.next_seq() - 1;
  durable_bytes_ += group.bytes().size();
  segments_.at(group.segment()).end = group.end();
  recent_.durable_until(group.segment(), group.end());
  ++figures_.commits;
  figures_.commit_us_last = commit.microseconds;
  figures_.commit_us_max = std::max(figures_.commit_us_max, commit.microseconds);
  if (group.begins) segment_begun(*group.begins);
}

// The header is durable: the segment before is closed, and those it leaves behind can be recycled.
void Journal::segment_begun(const SegmentHeader& header) {
  segments_.at(header.number - 1).closed = true;
  while (segments_.oldest().number() < header.oldest) {
    cleaner_->dropped(segments_.oldest());
    spares_.recycle(segments_.take_oldest());
  }
  spares_.tend(cleaner_->retired());
  measure_space();
}

void Journal::measure_space() {
  auto space = std::make_shared<Result<DiskSpace>>(DiskSpace{});
  hands_->give(Chore{[space](Io& io) { *space = io.space(); },
                     [this, space] {
                       if (*space) note_space(**space);  // else what is known so far still holds
                     }});
}

// What the disk has for the log beside the spares: whole segments, those in use among them.
void Journal::note_space(const DiskSpace& space) {
  const auto segment = options_.segment_bytes;
  const auto more = space.free_bytes / segment * segment;
  const auto held = segments_.bytes() + spares_.bytes();
  const auto all = more > UINT64_MAX - held ? UINT64_MAX : held + more;
  cleaner_->set_room(all - std::min(all, kSpares * segment));
}

void Journal::fail(const Error& error) {
  if (!failure_) failure_ = error;
}

std::uint64_t Journal::durable() {
  take_in();
  return durable_;
}

std::uint64_t Journal::durable_seq() {
  take_in();
  return durable_seq_;
}

std::optional<Error> Journal::failure() {
  take_in();
  return failure_;
}

std::size_t Journal::backlog_bytes() const {
  return placement_->placed_bytes() - durable_bytes_ + placement_->open_bytes();
}

bool Journal::takes_submissions() {
  take_in();
  if (!spares_.lacks_space() && !cleaner_->is_crowded()) return true;
  look_for_space();
  return false;
}

void Journal::look_for_space() {
  const auto now = options_.clock_ms();
  const bool waited = now < retried_space_ms_ || now - retried_space_ms_ >= kRetrySpaceMs;
  if (!waited) return;
  retried_space_ms_ = now;
  spares_.retry();
  spares_.tend(cleaner_->retired());
  measure_space();
}

bool Journal::takes_leases() {
  take_in();
  return !spares_.lacks_space() || spares_.at_hand() >= kSparesForLeases;
}

// --- reading

std::optional<std::string_view> Journal::cached(const Locator& where) {
  return recent_.find(where);
}

void Journal::fetch(std::uint64_t ticket, const Locator& where) {
  if (const auto bytes = recent_.find(where)) {
    Fetched fetched;
    fetched.ticket = ticket;
    fetched.bytes = *bytes;
    return answer(std::move(fetched));
  }
  start_read(ticket, [where, file = segments_.at(where.segment).file](Fetched& into) {
    auto bytes = read_record(*file, where);
    if (!bytes) return Result<void>(bytes.error());
    into.bytes = std::move(*bytes);
    return Result<void>();
  });
}

void Journal::fetch_events(std::uint64_t ticket, std::uint64_t since, std::size_t count,
                           std::size_t bytes) {
  take_in();
  Fetched fetched;
  fetched.ticket = ticket;
  if (since + 1 < oldest_seq()) {
    fetched.code = Errc::events_trimmed;
    fetched.message = "the oldest event that is kept has a higher number";
    return answer(std::move(fetched));
  }
  if (since >= durable_seq_ || count == 0) return answer(std::move(fetched));
  const EventRange range{since + 1, durable_seq_, count, bytes};
  start_read(ticket, [range, stretches = stretches_from(since + 1)](Fetched& into) {
    auto events = read_events(stretches, range);
    if (!events) return Result<void>(events.error());
    into.events = std::move(*events);
    return Result<void>();
  });
}

void Journal::start_read(std::uint64_t ticket, std::function<Result<void>(Fetched&)> read) {
  auto fetched = std::make_shared<Fetched>();
  fetched->ticket = ticket;
  hands_->give(Chore{[read = std::move(read), fetched](Io&) {
                       const auto done = read(*fetched);
                       if (done) return;
                       fetched->code = done.error().code;
                       fetched->message = done.error().message;
                     },
                     [this, fetched] { fetched_.push_back(std::move(*fetched)); }});
}

std::vector<Stretch> Journal::stretches_from(std::uint64_t seq) const {
  std::vector<Stretch> stretches;
  for (auto i = segments_.index_for(seq); i < segments_.size(); ++i) {
    const Segment& segment = segments_.all()[i];
    const auto from = segment.start_for(seq);
    if (from >= segment.end) continue;
    stretches.push_back({segment.file, segment.number(), segment.header.salt, from, segment.end});
  }
  return stretches;
}

void Journal::answer(Fetched fetched) {
  fetched_.push_back(std::move(fetched));
  hands_->wake();
}

std::optional<Fetched> Journal::next_fetched() {
  take_in();
  if (fetched_.empty()) return std::nullopt;
  Fetched fetched = std::move(fetched_.front());
  fetched_.pop_front();
  return fetched;
}

std::optional<Kept> Journal::next_to_clean() {
  take_in();
  if (failure_) return std::nullopt;
  if (spares_.lacks_space()) {
    if (!may_clean_without_space()) return std::nullopt;
    cleaner_->hasten();  // submissions wait: nothing may be appended that would earn it
  }
  return cleaner_->next();
}

// What cleaning writes must not use up the last spare before it has given a segment up: that one
// comes back only with the next one begun.
bool Journal::may_clean_without_space() const {
  const auto spares = spares_.ready();
  return spares >= 2 || (spares == 1 && placement_->room() > cleaner_->left_of_target() * 9 / 8);
}

StoreFigures Journal::figures() const {
  StoreFigures figures = figures_;
  figures.disk_bytes = segments_.bytes() + spares_.bytes() + kMarkBytes;
  figures.segments = segments_.size();
  figures.spares = spares_.ready();
  figures.cached_bytes = recent_.bytes();
  if (!cleaner_) return figures;
  figures.log_bytes_max = cleaner_->bound();
  figures.trimmed_early = cleaner_->trimmed_early();
  return figures;
}

}  // namespace drover::broker::journal
