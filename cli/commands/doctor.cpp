#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/checks.hpp"
#include "cli/checks_gather.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/repair.hpp"
#include "cli/json_read.hpp"
#include "cli/store_place.hpp"
#include "drover_version.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

constexpr Duration kPatience = 1s;  // for a broker that may not run
constexpr Duration kTrial = 3s;     // of the disk
constexpr Duration kTrialQuick = 300ms;

struct DoctorOptions {
  std::string directory;
  bool quick = false;
  RepairOptions repair;
};

// What a running broker says of itself, and when that was.
struct Live {
  json stats;
  std::string software;
  Duration ahead{0};  // of the system's clock
};

std::optional<Live> ask_broker(const config::Settings& settings) {
  auto options = client_options(settings);
  options.timeout = std::min(kPatience, options.timeout);
  auto client = Client::open(options);
  if (!client || !client->connect(options.timeout)) return std::nullopt;
  const auto asked_at = system_now();
  auto stats = client->stats();
  if (!stats || !stats->contains("pid")) return std::nullopt;  // or nothing for who asks
  Live live{std::move(*stats), client->broker()->software, 0ms};
  // The answer is as old as half of the way.
  if (const auto now = instant_of(live.stats, "told_at")) {
    live.ahead = asked_at + (system_now() - asked_at) / 2 - *now;
  }
  return live;
}

bool is_same_folder(const std::string& one, const std::string& other) {
  std::error_code error;
  return std::filesystem::equivalent(one, other, error);
}

// A setting whose value is the path of a file that nobody else may read.
bool names_secret(const config::Shown& setting) {
  const auto name = setting.path.substr(setting.path.rfind('.') + 1);
  if (setting.value.empty() || !name.ends_with("_file")) return false;
  return name == "key_file" || name.find("secret") != std::string::npos ||
         name.find("password") != std::string::npos || name.find("token") != std::string::npos;
}

// All of one visit.
class Visit {
 public:
  Visit(const config::Loaded& loaded, std::string directory, bool quick)
      : loaded_(loaded), directory_(std::move(directory)), quick_(quick) {}

  std::vector<Finding> run(const std::optional<Live>& live) {
    std::error_code error;
    is_there_ = std::filesystem::is_directory(directory_, error);
    look_at_store(live);
    if (is_there_) look_at_disk(live);
    look_at_machine(live);
    look_at_settings();
    return std::move(findings_);
  }

 private:
  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  void look_at_store(const std::optional<Live>& live) {
    if (!live) {
      add(check_durability(!directory_.empty(), std::nullopt));
      if (!directory_.empty()) add(integrity_at_rest());
      return;
    }
    const json& stats = live->stats;
    const bool on_disk = !text_of(stats, "store_directory").empty();
    add(check_durability(on_disk, number_of(stats, "unsynced_bytes")));
    if (on_disk) add(integrity_when_opened(stats));
    add(check_fleet(number_of(stats, "workers"), number_of(stats, "waiting")));
    add(check_clock(live->ahead));
    if (on_disk) {
      add(check_spares(number_of(stats, "spares"), stats.value("takes_submissions", true)));
    }
  }

  Finding integrity_at_rest() const {
    if (!is_there_) {
      return {"store.integrity", Level::ok, directory_ + " is not there yet: the broker makes it",
              ""};
    }
    if (quick_) return {"store.integrity", Level::ok, "not read (--quick)", ""};
    return check_integrity(broker::upkeep::verify(directory_));
  }

  // The broker has read all of it when it started.
  static Finding integrity_when_opened(const json& stats) {
    Finding f{
        "store.integrity", Level::ok,
        fmt::format("was whole when the broker opened it at {}", text_of(stats, "started_at")), ""};
    f.figures = {{"newest_seq", number_of(stats, "seq")},
                 {"torn_tail_bytes", number_of(stats, "torn_tail_bytes")}};
    return f;
  }

  void look_at_disk(const std::optional<Live>& live) {
    add(check_disk_sync(broker::upkeep::try_disk(directory_, quick_ ? kTrialQuick : kTrial)));
    if (const auto magic = filesystem_of(directory_)) add(check_filesystem(*magic));
    if (const auto free = free_bytes_of(directory_)) {
      const auto& journal = loaded_.settings.journal;
      add(check_space({*free, bytes_of_files_in(directory_),
                       live ? number_of(live->stats, "live_bytes") : 0, journal.retain,
                       journal.segment}));
    }
    if (const auto mode = mode_of(directory_)) {
      add(check_private("security.store", directory_, *mode));
    }
  }

  void look_at_machine(const std::optional<Live>& live) {
    const auto pid = live ? number_of(live->stats, "pid") : 0;
    if (const auto files = pid == 0 ? std::nullopt : open_files_of(pid)) add(check_files(*files));
    if (const auto memory = memory_with(pid)) add(check_memory(*memory));
    add(check_versions(kVersion, live ? live->software : "", kernel_release()));
    add(check_zeromq(zeromq_version()));
  }

  void look_at_settings() {
    add(check_exposure(loaded_.settings));
    for (const auto& setting : loaded_.shown) {
      const auto mode = names_secret(setting) ? mode_of(setting.value) : std::nullopt;
      if (mode) add(check_private(setting.path, setting.value, *mode));
    }
  }

  const config::Loaded& loaded_;
  std::string directory_;  // "" of a store in memory
  bool quick_;
  bool is_there_ = false;
  std::vector<Finding> findings_;
};

int tell(const Context& context, const std::vector<Finding>& findings, const std::string& directory,
         bool runs) {
  const bool well = is_well(findings);
  if (context.json) {
    context.print_json({{"ok", well},
                        {"directory", directory},
                        {"broker", runs ? "running" : "stopped"},
                        {"findings", findings_json(findings)}});
  } else {
    auto text = findings_text(findings, context.terminal.out);
    text.pop_back();
    context.print(text);
  }
  return well ? kOk : kFailed;
}

int doctor(Context& context, const DoctorOptions& options) {
  if (options.repair.wanted) return repair(context, options.directory, options.repair);
  const auto loaded = context.settings();
  if (!loaded) return context.fail(loaded.error());
  auto live = ask_broker(loaded->settings);
  auto directory = options.directory;
  const auto told = live ? text_of(live->stats, "store_directory") : "";
  if (live && !directory.empty() && !is_same_folder(directory, told)) live.reset();
  if (directory.empty()) {
    directory = live ? told : config::store_directory(loaded->settings);
  }
  const auto findings = Visit(*loaded, directory, options.quick).run(live);
  return tell(context, findings, directory, live.has_value());
}

}  // namespace

void add_doctor(Verb& root, Context& context) {
  const auto options = std::make_shared<DoctorOptions>();
  auto verb = root.verb("doctor", "what a power cut would lose now, and what needs doing");
  verb.word(options->directory, "DIR", "the store's folder (the running broker's, or store.url)",
            /*required=*/false)
      .flag(options->quick, "--quick", "measure the disk briefly, do not read the store");
  add_repair_options(verb, options->repair);
  verb.footer("Exit codes: 0 all is well, 1 something needs doing.").does([&context, options] {
    return doctor(context, *options);
  });
}

}  // namespace drover::cli
