#include "cli/checks.hpp"

#include <fmt/format.h>
#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/human.hpp"
#include "common/config/address.hpp"

namespace drover::cli {
namespace {

using std::chrono::microseconds;

constexpr microseconds kSyncSlow = 50ms;
constexpr microseconds kSyncUnbelievable{15};
constexpr Duration kClockApart = 1s;
constexpr std::uint64_t kSpares = 3;
constexpr std::uint64_t kMemoryLow = 256 * config::kMiB;

std::string in_ms(microseconds time) {
  return fmt::format("{:.2f} ms", static_cast<double>(time.count()) / 1000);
}

struct Filesystem {
  std::uint64_t magic;
  const char* name;
  Level level;
  const char* advice;
};

constexpr const char* kOwnDisk = "put the store on a local disk of its own: store.url";
constexpr std::uint64_t kXfs = 0x58465342, kCifs = 0xff534d42, kZfs = 0x2fc12fc1;

constexpr std::array kFilesystems = {
    Filesystem{EXT4_SUPER_MAGIC, "ext4", Level::ok, ""},
    Filesystem{kXfs, "xfs", Level::ok, ""},
    Filesystem{BTRFS_SUPER_MAGIC, "btrfs", Level::ok, ""},
    Filesystem{kZfs, "zfs", Level::ok, ""},
    Filesystem{TMPFS_MAGIC, "tmpfs, which is memory: it is gone with the power", Level::problem,
               kOwnDisk},
    Filesystem{RAMFS_MAGIC, "ramfs, which is memory: it is gone with the power", Level::problem,
               kOwnDisk},
    Filesystem{OVERLAYFS_SUPER_MAGIC,
               "overlayfs, a container's own layer: it goes with the container", Level::warning,
               "mount a volume there"},
    Filesystem{NFS_SUPER_MAGIC, "NFS, whose locks and syncs depend on another machine",
               Level::warning, kOwnDisk},
    Filesystem{kCifs, "SMB, whose locks and syncs depend on another machine", Level::warning,
               kOwnDisk},
    Filesystem{FUSE_SUPER_MAGIC, "FUSE: what a sync means there is up to the program behind it",
               Level::warning, kOwnDisk},
};

// "4.3.4" as three numbers; what is no number is 0.
std::array<int, 3> numbers_of(std::string_view version) {
  std::array<int, 3> numbers{};
  std::size_t which = 0;
  for (const char c : version) {
    if (c == '.' && ++which == numbers.size()) break;
    if (c >= '0' && c <= '9') numbers[which] = numbers[which] * 10 + (c - '0');
  }
  return numbers;
}

}  // namespace

Finding check_durability(bool on_disk, std::optional<std::uint64_t> unsynced) {
  if (!on_disk) {
    return {"durability", Level::problem,
            "tasks are kept in memory: a power cut loses all of them, and so does a stop",
            "set store.url: file:DIR"};
  }
  Finding f{"durability", Level::ok,
            "a power cut now loses nothing that was acknowledged: every answer waits for fdatasync",
            ""};
  f.figures["mode"] = "fsync";
  if (!unsynced) return f;
  f.figures["unsynced_bytes"] = *unsynced;
  if (*unsynced > 0) {
    f.says += fmt::format("; {} are on their way to the disk, none acknowledged yet",
                          human_size(*unsynced));
  }
  return f;
}

Finding check_disk_sync(const Result<broker::upkeep::DiskTrial>& trial) {
  if (!trial) {
    return {"disk.sync", Level::problem, trial.error().message,
            "the broker must be able to write there"};
  }
  Finding f{"disk.sync", Level::ok,
            fmt::format("a sync takes {} (p50), {} (p99): about {} commits a second, each of many "
                        "tasks under load",
                        in_ms(trial->p50), in_ms(trial->p99),
                        grouped(static_cast<std::uint64_t>(trial->commits_a_second()))),
            ""};
  f.figures = {{"syncs", trial->syncs},
               {"p50_us", trial->p50.count()},
               {"p99_us", trial->p99.count()},
               {"max_us", trial->max.count()},
               {"commits_per_s", std::round(trial->commits_a_second())}};
  if (trial->p50 < kSyncUnbelievable) {
    f.level = Level::warning;
    f.says += "; no disk is that fast: what it calls durable may be in a volatile cache";
    f.advice =
        "find out what is below: memory, a virtual disk that ignores flushes, or a "
        "controller with a battery (then all is well)";
  } else if (trial->p99 > kSyncSlow) {
    f.level = Level::warning;
    f.advice =
        "tasks wait that long for their disk: look for what else uses it, or use a faster one";
  }
  return f;
}

Finding check_filesystem(std::uint64_t magic) {
  const auto known = std::ranges::find(kFilesystems, magic, &Filesystem::magic);
  if (known == kFilesystems.end()) {
    return {"disk.filesystem", Level::ok,
            fmt::format("of a type that is not known here ({:#x})", magic), ""};
  }
  return {"disk.filesystem", known->level, fmt::format("the store is on {}", known->name),
          known->advice};
}

Finding check_space(const Space& s) {
  const auto bound = std::max(s.retain_bytes, 2 * s.live_bytes) + kSpares * s.segment_bytes;
  const auto grows = bound - std::min(bound, s.store_bytes);
  Finding f{"disk.space", Level::ok,
            fmt::format("{} free; the store takes {} and may grow to {}", human_size(s.free_bytes),
                        human_size(s.store_bytes), human_size(bound)),
            ""};
  f.figures = {
      {"free_bytes", s.free_bytes}, {"store_bytes", s.store_bytes}, {"bound_bytes", bound}};
  if (s.free_bytes >= grows) return f;
  f.level = s.free_bytes < kSpares * s.segment_bytes ? Level::problem : Level::warning;
  f.advice =
      "free some space, or set journal.retain lower; on a full disk submissions are refused "
      "with STORAGE_FULL";
  return f;
}

Finding check_spares(std::uint64_t spares, bool takes_submissions) {
  Finding f{"disk.spares", Level::ok, counted(spares, "spare segment") + " ready", ""};
  f.figures = {{"spares", spares}, {"takes_submissions", takes_submissions}};
  if (takes_submissions) return f;
  f.level = Level::problem;
  f.says += "; submissions are refused with STORAGE_FULL";
  f.advice = "free some space on the store's disk: the broker goes on by itself";
  return f;
}

Finding check_clock(Duration ahead) {
  const auto apart = std::chrono::abs(ahead);
  Finding f{"clock", Level::ok,
            apart <= kClockApart ? "the broker's clock and the system's agree"
                                 : fmt::format("the system's clock is {} {} the broker's",
                                               human(apart), ahead > 0ms ? "ahead of" : "behind"),
            ""};
  f.figures["system_ahead_ms"] = ahead.count();
  if (apart <= kClockApart) return f;
  f.level = Level::warning;
  f.advice =
      "the system's clock was set while the broker ran; tasks due at an instant of the day "
      "come that much early or late until the broker is started again";
  return f;
}

Finding check_files(const OpenFiles& files) {
  Finding f{"limits.files", Level::ok,
            fmt::format("{} open, at most {}", files.open,
                        files.limit == 0 ? "as many as it likes" : grouped(files.limit)),
            ""};
  f.figures = {{"open", files.open}, {"limit", files.limit}};
  if (files.limit == 0 || files.open * 5 <= files.limit * 4) return f;
  f.level = Level::problem;
  f.advice = "each connection takes one: raise LimitNOFILE= (systemd) or ulimit -n, then restart";
  return f;
}

Finding check_memory(const Memory& m) {
  Finding f{
      "limits.memory", Level::ok,
      fmt::format("{} of {} available", human_size(m.available_bytes), human_size(m.total_bytes)),
      ""};
  if (m.broker_bytes > 0) f.says += fmt::format(", the broker has {}", human_size(m.broker_bytes));
  f.figures = {{"available_bytes", m.available_bytes},
               {"total_bytes", m.total_bytes},
               {"broker_bytes", m.broker_bytes}};
  if (m.available_bytes >= std::min(kMemoryLow, m.total_bytes / 10)) return f;
  f.level = Level::problem;
  f.advice = "a waiting task takes about 150 bytes; what is short of memory here will be killed";
  return f;
}

Finding check_zeromq(std::string_view version) {
  Finding f{"versions.zeromq", Level::ok, fmt::format("libzmq {}", version), ""};
  f.figures["version"] = version;
  if (numbers_of(version) >= std::array{4, 3, 3}) return f;
  f.level = Level::problem;
  f.advice = "update it: below 4.3.3 whoever reaches a port can stop the process";
  return f;
}

Finding check_versions(std::string_view mine, std::string_view broker, std::string_view kernel) {
  Finding f{"versions", Level::ok, fmt::format("drover {}, Linux {}", mine, kernel), ""};
  f.figures = {{"drover", mine}, {"broker", broker}, {"kernel", kernel}};
  if (broker.empty()) return f;
  f.says += fmt::format(", {}", broker);
  if (broker.ends_with(fmt::format(" {}", mine))) return f;
  f.level = Level::warning;
  f.advice = "the broker that runs is of another release than this command: restart it";
  return f;
}

Finding check_exposure(const config::Settings& settings) {
  std::string open;
  for (const auto& bind :
       {settings.broker.clients.bind, settings.broker.workers.bind, settings.broker.status.bind}) {
    if (!config::is_loopback(bind)) open += (open.empty() ? "" : ", ") + bind;
  }
  Finding f{"security.exposure", Level::ok, "all addresses stay on this machine", ""};
  f.figures = {{"insecure", settings.security.insecure}, {"open", open}};
  if (open.empty() && settings.security.insecure) {
    f.level = Level::warning;
    f.says += ", yet security.insecure is true";
    f.advice = "set security.insecure: false, so that a later change of an address is noticed";
  } else if (!open.empty()) {
    f.says = "other machines reach " + open;
    if (!settings.security.insecure) return f;
    f.level = Level::problem;
    f.says += " and nothing protects it: who reaches it may do everything";
    f.advice = "bind to 127.0.0.1, or use keys and set security.insecure: false";
  }
  return f;
}

Finding check_private(const std::string& check, const std::string& path, std::uint32_t mode) {
  Finding f{check, Level::ok, path + " is its owner's alone", ""};
  f.figures = {{"path", path}, {"mode", fmt::format("{:04o}", mode & 07777)}};
  if ((mode & 077) == 0) return f;
  f.level = Level::problem;
  f.says = path + " can be read by others on this machine";
  f.advice = fmt::format("chmod {} {}", (mode & 040000) != 0 ? "700" : "600", path);
  return f;
}

Finding check_integrity(const Result<broker::upkeep::Verified>& v) {
  if (v) {
    Finding f{"store.integrity", Level::ok,
              fmt::format("whole: {}, {} up to event {}", counted(v->records, "record"),
                          counted(v->tasks, "task"), v->newest_seq),
              ""};
    f.figures = {{"records", v->records},
                 {"tasks", v->tasks},
                 {"newest_seq", v->newest_seq},
                 {"torn_tail_bytes", v->torn_tail_bytes}};
    return f;
  }
  const Error& error = v.error();
  Finding f{"store.integrity", Level::problem, error.message, ""};
  f.figures["code"] = name_of(error.code);
  if (error.code == Errc::not_found) return f.level = Level::ok, f;
  if (error.code == Errc::store_damaged) {
    f.advice =
        "keep the files as they are; `drover doctor --repair` saves what is whole elsewhere, "
        "or restore a backup";
  } else if (error.code == Errc::store_too_new) {
    f.advice = "use the release that wrote it, or a later one";
  } else if (error.code == Errc::store_in_use) {
    f.level = Level::warning;
    f.advice = "a process has it open, yet no broker at the address of --url answers an operator";
  } else {
    f.advice = "the disk does not give it back: look into the kernel's log (dmesg)";
  }
  return f;
}

Finding check_fleet(std::uint64_t workers, std::uint64_t waiting) {
  Finding f{"fleet", Level::ok,
            fmt::format("{}, {} waiting", counted(workers, "worker"), counted(waiting, "task")),
            ""};
  f.figures = {{"workers", workers}, {"waiting", waiting}};
  if (workers > 0 || waiting == 0) return f;
  f.level = Level::warning;
  f.advice = "start workers: drover-worker, or `drover work TYPE -- COMMAND`";
  return f;
}

}  // namespace drover::cli
