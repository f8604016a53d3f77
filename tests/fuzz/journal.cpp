#include <cstring>
#include <vector>

#include "broker/store/journal/inline_journal_store.hpp"
#include "broker/store/journal/recovery.hpp"
#include "broker/store/record_codec.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::fuzz {
namespace {

using namespace drover::broker::journal;
using broker::Kept;

constexpr std::uint64_t kFileBytes = 4096;

// Reads numbers and bytes from the input; zeros when it is used up.
class Script {
 public:
  explicit Script(std::string_view input) : left_(input) {}

  std::uint8_t byte() { return static_cast<std::uint8_t>(take(1)[0]); }

  // One byte for the small numbers, and nine for all others.
  std::uint64_t number() {
    const auto small = byte();
    if (small != 0xff) return small;
    std::uint64_t large = 0;
    std::memcpy(&large, take(8).data(), 8);
    return large;
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number()); }

  std::string take(std::size_t count) {
    std::string bytes(left_.substr(0, count));
    left_.remove_prefix(bytes.size());
    bytes.resize(count);
    return bytes;
  }
  bool used_up() const { return left_.empty(); }

 private:
  std::string_view left_;
};

template <class Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// A group whose checksum is right, whatever stands in it.
std::string group_of(Script& script, const SegmentHeader& segment) {
  const auto first_seq = script.number();
  const auto records = script.number32(), numbered = script.number32();
  const std::string body = script.take(script.number() % 1024);
  std::string group;
  append(group, segment.salt);
  append(group, std::uint32_t{0});
  append(group, static_cast<std::uint32_t>(body.size()));
  append(group, first_seq);
  append(group, std::int64_t{0});
  append(group, records);
  append(group, numbered);
  group += body;
  group.resize(kGroupHeaderBytes + round_up_to_8(body.size()));
  const auto crc = crc_of_group(group, segment.number);
  std::memcpy(group.data() + 8, &crc, sizeof crc);
  return group;
}

StoreId store_id() { return StoreId::from_bytes(std::string(16, '\x5a')); }

// A segment whose checksums are right. `end`: where the groups of the one before end.
std::string segment_of(Script& script, std::uint32_t& end, Mark& mark) {
  SegmentHeader header;
  header.store = store_id();
  header.number = script.number32();
  header.oldest = script.number32();
  header.first_seq = script.number();
  header.salt = 0x5a17000000000000U + header.number;
  const auto said = script.number32();
  header.previous_end = said == 0 ? end : said;
  header.bytes = kFileBytes;
  std::string file = encode(header);
  for (auto groups = script.byte() % 8; groups > 0; --groups) file += group_of(script, header);
  end = static_cast<std::uint32_t>(file.size());
  mark = {header.store, header.number, end, header.salt, 0, 0};
  file.resize(kFileBytes);
  return file;
}

// The journal that the script says: segments, perhaps a mark, and at last some bytes changed.
test::SimDisk sealed(Script& script) {
  test::SimDisk disk;
  std::uint32_t end = 0;
  Mark mark;
  std::vector<std::string> names;
  for (auto segments = 1 + script.byte() % 3; segments > 0; --segments) {
    const std::string name = segment_name(script.number32());
    names.push_back(name);
    disk.set_contents(name, segment_of(script, end, mark));
  }
  if (script.byte() % 2 != 0) {
    mark.end = script.number32(), mark.next_seq = script.number();
    mark.group_crc = script.number32();
    disk.set_contents(std::string(kMarkName), encode(mark));
  }
  while (!script.used_up()) {
    const std::string& name = names[script.byte() % names.size()];
    disk.flip_bit(name, (script.byte() + std::uint64_t{256} * script.byte()) % (kFileBytes * 8));
  }
  return disk;
}

// The input as one segment, as it is.
test::SimDisk raw(std::string_view input) {
  test::SimDisk disk;
  disk.set_contents(segment_name(1), std::string(input));
  return disk;
}

struct Start {
  Result<void> outcome;
  std::vector<std::string> records;

  bool operator==(const Start& other) const {
    return outcome.has_value() == other.outcome.has_value() && records == other.records &&
           (outcome || outcome.error().message == other.outcome.error().message);
  }
};

Visit keep_in(Start& start) {
  return [&start](const Kept& kept) -> Result<void> {
    start.records.emplace_back(kept.bytes);
    record(kept.bytes);
    return {};
  };
}

Start recovered(test::SimDisk& disk) {
  Start start;
  if (auto found = recover(disk, keep_in(start)); !found) start.outcome = found.error();
  return start;
}

JournalOptions options() {
  JournalOptions options;
  options.segment_bytes = kFileBytes;
  options.retain_bytes = 1024 * 1024;
  options.seed = 1;
  options.clock_ms = [] { return std::int64_t{0}; };
  return options;
}

// What was recovered can be gone on with, and is there again afterwards.
void expect_goes_on(test::SimDisk& disk, Start start) {
  const std::string_view more[] = {"one more"};
  {
    Start again;
    InlineJournalStore store(disk, options());
    promise(store.open(keep_in(again)).has_value(), "what was recovered is not opened");
    promise(again.records == start.records, "opening replays something else");
    store.set_books([] { return std::string("books"); });
    store.append(more);
    while (!store.failure() && store.durable() < store.appended()) store.flush(), store.pump_all();
    promise(!store.failure(), "what was recovered cannot be written to");
  }
  Start last = recovered(disk);
  promise(last.outcome.has_value(), "what was written to is refused");
  std::erase(last.records, "books");
  std::erase(start.records, "books");
  start.records.emplace_back(more[0]);
  promise(last.records == start.records, "records changed on their way");
}

}  // namespace

// The first byte says whether checksums are put right. Without that hardly any input would get
// behind them, and with it what lies there is met by bytes that nobody would write.
void journal(std::string_view input) {
  if (input.empty()) return;
  Script script(input.substr(1));
  test::SimDisk disk = input[0] % 2 == 0 ? sealed(script) : raw(input.substr(1));
  const Start start = recovered(disk);
  promise(start == recovered(disk), "two starts differ");
  if (start.outcome) {
    expect_goes_on(disk, start);
  } else {
    const auto code = start.outcome.error().code;
    promise(code == Errc::store_damaged || code == Errc::store_too_new, "refused for no reason");
  }
}

}  // namespace drover::fuzz
