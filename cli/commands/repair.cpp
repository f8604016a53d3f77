#include "cli/commands/repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "broker/store/upkeep/salvage.hpp"
#include "cli/human.hpp"
#include "cli/store_place.hpp"

namespace drover::cli {
namespace {

using broker::upkeep::Affected;
using broker::upkeep::Gap;
using broker::upkeep::Salvaged;
using nlohmann::json;

constexpr std::size_t kShown = 20;  // tasks of each list, for a person

json as_json(const Gap& gap) {
  json told = {{"file", gap.file},
               {"from", gap.from},
               {"to", gap.to},
               {"what", gap.what},
               {"records_saved", gap.records_saved}};
  if (!gap.may_hold_events) return told;
  told["first_seq"] = gap.first_seq == 0 ? json() : json(gap.first_seq);
  told["last_seq"] = gap.last_seq == 0 ? json() : json(gap.last_seq);
  return told;
}

json as_json(const std::vector<Affected>& tasks) {
  auto list = json::array();
  for (const auto& t : tasks) {
    list.push_back({{"id", to_string(t.task)},
                    {"tenant", t.tenant},
                    {"queue", t.queue},
                    {"type", t.type},
                    {"state", name_of(t.state)}});
  }
  return list;
}

json as_json(const Salvaged& s, const std::string& from, const std::string& to) {
  auto gaps = json::array();
  for (const auto& gap : s.gaps) gaps.push_back(as_json(gap));
  return {{"ok", true},
          {"whole", false},
          {"from", from},
          {"to", to},
          {"records_read", s.records},
          {"records_unreadable", s.unreadable},
          {"gaps", gaps},
          {"events_missing", s.events_missing ? json(*s.events_missing) : json()},
          {"uncertain_count", s.uncertain_count},
          {"uncertain", as_json(s.uncertain)},
          {"lost_count", s.lost_count},
          {"lost", as_json(s.lost)},
          {"store", to_string(s.made.store)},
          {"tasks", s.made.tasks}};
}

std::string events_text(const Gap& gap) {
  if (!gap.may_hold_events) return "no events were in it";
  if (gap.first_seq == 0 && gap.last_seq == 0) return "which events were in it is not known";
  if (gap.first_seq == 0) return fmt::format("events up to {}", gap.last_seq);
  if (gap.last_seq == 0) return fmt::format("events from {} on", gap.first_seq);
  if (gap.first_seq == gap.last_seq) return fmt::format("event {}", gap.first_seq);
  return fmt::format("events {} to {}", gap.first_seq, gap.last_seq);
}

std::string text_of(const Gap& gap) {
  auto text = fmt::format("  {}", gap.file);
  if (gap.to > gap.from) text += fmt::format(", bytes {} to {}", gap.from, gap.to);
  text += ": " + gap.what;
  text += "; " + events_text(gap);
  if (gap.records_saved > 0) {
    text += fmt::format("; {} read from it all the same", counted(gap.records_saved, "record"));
  }
  return text + "\n";
}

std::string text_of(const std::vector<Affected>& tasks, std::uint64_t count) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, tasks.size()); ++i) {
    const auto& t = tasks[i];
    text += fmt::format("  {}  {}/{}/{}  {}\n", to_string(t.task), t.tenant, t.queue, t.type,
                        name_of(t.state));
  }
  if (count > kShown) text += fmt::format("  and {} more: --json\n", grouped(count - kShown));
  return text;
}

std::string as_text(const Salvaged& s, const std::string& from, const std::string& to) {
  auto text = fmt::format("Missing from {}:\n", from);
  for (const auto& gap : s.gaps) text += text_of(gap);
  if (s.gaps.empty()) text += "  nothing that its files tell of; its books did not balance\n";
  if (s.unreadable > 0) {
    text += fmt::format("  {} that make no sense\n", counted(s.unreadable, "record"));
  }
  if (s.lost_count > 0) {
    text += fmt::format("Lost with what they carried: {}\n", counted(s.lost_count, "task"));
    text += text_of(s.lost, s.lost_count);
  }
  if (s.uncertain_count > 0) {
    text += fmt::format("Kept as they are last known; may run again although they have ended: {}\n",
                        counted(s.uncertain_count, "task"));
    text += text_of(s.uncertain, s.uncertain_count);
  }
  return text + fmt::format(
                    "Saved: {}, in a new store that is whole: {}\n"
                    "The old one was not touched. To go on with the new one, move it there, or set "
                    "store.url: file:{}",
                    counted(s.made.tasks, "task"), to, to);
}

std::string beside(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory + ".repaired";
}

int say_whole(const Context& context, const std::string& from) {
  if (context.json) {
    context.print_json({{"ok", true}, {"whole", true}, {"from", from}});
  } else {
    context.print(from + " is whole; there is nothing to repair");
  }
  return kOk;
}

}  // namespace

void add_repair_options(Verb& verb, RepairOptions& options) {
  verb.flag(options.wanted, "--repair", "save what is whole of a damaged store into a new one")
      .option(options.to, "--to", "NEWDIR", "with --repair: where to (DIR.repaired)");
}

int repair(Context& context, const std::string& directory, const RepairOptions& options) {
  const auto from = store_place(context, directory);
  if (!from) return context.fail(from.error());
  const auto verified = broker::upkeep::verify(*from);
  if (verified) return say_whole(context, *from);
  const auto code = verified.error().code;
  if (code != Errc::store_damaged && code != Errc::io_failed) return context.fail(verified.error());
  const auto to = options.to.empty() ? beside(*from) : options.to;
  const auto salvaged = broker::upkeep::salvage(*from, to);
  if (!salvaged) {
    const int failed = context.fail(salvaged.error());
    return salvaged.error().code == Errc::conflict ? kStoreInUse : failed;
  }
  if (context.json) {
    context.print_json(as_json(*salvaged, *from, to));
  } else {
    context.print(as_text(*salvaged, *from, to));
  }
  return kOk;
}

}  // namespace drover::cli
