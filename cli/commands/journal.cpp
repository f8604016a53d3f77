#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "broker/store/upkeep/verify.hpp"
#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/record_line.hpp"
#include "cli/store_place.hpp"

namespace drover::cli {
namespace {

using broker::upkeep::Verified;
using nlohmann::json;

struct DumpOptions {
  std::string directory;
  std::optional<std::uint32_t> since;
  std::vector<std::string> types;
  bool payloads = false;
};

json as_json(const Verified& v, const std::string& directory) {
  return {{"ok", true},
          {"directory", directory},
          {"store", to_string(v.store)},
          {"segments", v.segments},
          {"groups", v.groups},
          {"records", v.records},
          {"oldest_seq", v.oldest_seq},
          {"newest_seq", v.newest_seq},
          {"tasks", v.tasks},
          {"torn_tail_bytes", v.torn_tail_bytes},
          {"marked", v.marked}};
}

std::string as_text(const Verified& v, const std::string& directory) {
  auto text = fmt::format("{} is whole: {}, {}, {}, {}, newest event {}", directory,
                          counted(v.segments, "segment"), counted(v.groups, "group"),
                          counted(v.records, "record"), counted(v.tasks, "task"), v.newest_seq);
  if (v.torn_tail_bytes > 0) {
    text += fmt::format(
        "\nAt its end {} were under way when it stopped. They were never acknowledged; the broker "
        "leaves them out.",
        counted(v.torn_tail_bytes, "byte"));
  }
  if (!v.marked) {
    text +=
        "\nIts file `mark` is missing: that acknowledged records are missing at the end could not "
        "be seen.";
  }
  return text;
}

int verify(Context& context, const std::string& word) {
  const auto directory = store_place(context, word);
  if (!directory) return context.fail(directory.error());
  const auto verified = broker::upkeep::verify(*directory);
  if (!verified) return fail_with_store(context, *directory, verified.error());
  if (context.json) {
    context.print_json(as_json(*verified, *directory));
  } else {
    context.print(as_text(*verified, *directory));
  }
  return kOk;
}

bool is_wanted(const DumpOptions& options, const broker::Kept& kept, const broker::Record& record) {
  if (options.since && kept.seq <= *options.since) return false;
  const auto& types = options.types;
  return types.empty() || std::ranges::find(types, type_of(record.kind)) != types.end();
}

// Written without a flush for each line: a journal may have a hundred million of them.
Result<void> write_line(const std::string& line) {
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                       std::fputc('\n', stdout) != EOF;
  if (written) return {};
  return Error{Errc::io_failed, "the output cannot be written"};
}

int dump(Context& context, const DumpOptions& options) {
  const auto directory = store_place(context, options.directory);
  if (!directory) return context.fail(directory.error());
  const auto show = [&](const broker::Kept& kept, const broker::Record& record) -> Result<void> {
    if (Context::is_interrupted()) return Error{Errc::cancelled, "interrupted"};
    if (!is_wanted(options, kept, record)) return {};
    const RecordPlace place{kept.seq, kept.where};
    if (!context.json) return write_line(record_line(record, place, options.payloads));
    return write_line(record_json(record, place, options.payloads)
                          .dump(-1, ' ', false, json::error_handler_t::replace));
  };
  const auto read = broker::upkeep::read_records(*directory, show);
  std::fflush(stdout);
  return read ? kOk : context.fail(read.error());
}

}  // namespace

void add_journal(Verb& root, Context& context) {
  auto journal = root.verb("journal", "look at the store's files while no broker uses them");
  const auto directory = std::make_shared<std::string>();
  journal.verb("verify", "read all of it and say whether it is whole")
      .word(*directory, "DIR", "the store's folder (store.url)", /*required=*/false)
      .footer(
          "Exit codes: 0 whole, 65 damaged, 73 a broker uses it, 78 written by a later release.")
      .does([&context, directory] { return verify(context, *directory); });

  const auto options = std::make_shared<DumpOptions>();
  journal.verb("dump", "print its records, one a line, oldest first")
      .word(options->directory, "DIR", "the store's folder (store.url)", /*required=*/false)
      .option(options->since, "--since", 0, UINT32_MAX, "events with a higher number only")
      .option(options->types, "--type", "TYPE", "these only, such as task.dead; may be repeated")
      .flag(options->payloads, "--payloads", "also what tasks carry: payloads and results")
      .does([&context, options] { return dump(context, *options); });
}

}  // namespace drover::cli
