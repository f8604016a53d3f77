#include "workers/app/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <thread>

#include "common/observe/log.hpp"
#include "common/observe/service_manager.hpp"
#include "common/transport/context.hpp"
#include "drover_version.hpp"
#include "workers/app/crew.hpp"
#include "workers/app/loop.hpp"

namespace drover::workers {
namespace {

constexpr std::uint32_t kWindowMax = 40'000;  // a heartbeat lists them all, in one frame
constexpr Duration kClosing = 3s;             // for handlers that were given up to return

constexpr int kStopped = 0;
constexpr int kMistake = 70;
constexpr int kBadConfiguration = 78;

int give_up(std::string_view what, const Error& why) {
  log::failure(what, why);
  const bool by_setting = why.code == Errc::bad_configuration ||
                          static_cast<int>(why.code) < 2000 ||
                          static_cast<int>(why.code) / 1000 == 3;
  return by_setting ? kBadConfiguration : kMistake;
}

std::uint64_t draw_seed() {
  std::random_device entropy;
  return (std::uint64_t{entropy()} << 32) | entropy();
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::uint32_t slots_of(const WorkerOptions& options) {
  return options.slots > 0 ? options.slots : std::max(1U, std::thread::hardware_concurrency());
}

WorkerProfile profile_of(const WorkerOptions& options, const Crew& crew, Random& random) {
  WorkerProfile profile;
  profile.id.bytes = make_uuid_v4(random);
  profile.host = host_name();
  profile.pid = static_cast<std::uint64_t>(getpid());
  profile.software = "drover-worker " + std::string(kVersion);
  profile.types = crew.roster->types();
  profile.capabilities = crew.capabilities;
  profile.labels.assign(options.labels.begin(), options.labels.end());
  profile.slots = slots_of(options);
  profile.prefetch = options.prefetch;
  return profile;
}

Result<void> check_window(const WorkerOptions& options) {
  const std::uint64_t window = std::uint64_t{slots_of(options)} + options.prefetch;
  if (window <= kWindowMax) return {};
  return Error{
      Errc::bad_configuration,
      "worker.slots and worker.prefetch together must not be above " + std::to_string(kWindowMax),
      "worker.prefetch"};
}

void say_ready(const WorkerOptions& options, const WorkerProfile& profile) {
  std::string types;
  for (const auto& type : profile.types) types += (types.empty() ? "" : ",") + type;
  log::info("the worker is ready", {{"broker", options.connect},
                                    {"worker", to_string(profile.id)},
                                    {"slots", profile.slots},
                                    {"prefetch", profile.prefetch},
                                    {"types", types}});
  observe::notify_service_manager("READY=1\nSTATUS=waiting for the broker");
}

// A thread is still in a handler: nothing that it may use is taken down.
int leave_without_destructors(int code) {
  static int exit_code = 0;
  exit_code = code;
  log::warn("a handler has not returned; leaving without it");
  std::atexit([] { std::_Exit(exit_code); });
  return code;
}

int run_crew(const WorkerOptions& options, const Crew& crew, observe::Signals& signals) {
  const std::uint64_t seed = draw_seed();
  Random random(seed);
  transport::Context context;
  const auto curve = transport::read_client_keys(options.keys);
  if (!curve) return give_up("the worker does not start", curve.error());
  auto link = BrokerLink::open(context, options.connect, *curve, random.next());
  if (!link) return give_up("the worker does not start", link.error());
  const transport::ProcessClock clock;
  const WorkerProfile profile = profile_of(options, crew, random);
  SlotPool pool(profile.slots, crew.roster);
  CoreOptions core;
  core.drain_timeout = options.drain_timeout;
  core.cancel_grace = options.cancel_grace;
  Loop loop(profile, core, Random(random.next()), *link, pool, signals, clock);
  say_ready(options, profile);
  const Error why = loop.run();
  const int code =
      why.code == Errc::ok ? kStopped : give_up("the broker will not have this worker", why);
  if (!pool.close(kClosing)) return leave_without_destructors(code);
  if (code == kStopped) log::info("stopped");
  return code;
}

}  // namespace

WorkerOptions worker_options(const config::Loaded& loaded) {
  const auto& s = loaded.settings;
  WorkerOptions options;
  options.connect = s.worker.connect;
  options.keys = {s.security.key_file, s.security.server_key, s.security.server_key_file};
  options.slots = s.worker.slots;
  options.prefetch = s.worker.prefetch;
  options.drain_timeout = s.worker.drain_timeout;
  options.cancel_grace = s.broker.cancel_grace;
  options.capabilities = s.worker.capabilities;
  options.labels = s.worker.labels;
  options.agents_dir = s.worker.agents_dir;
  options.agents_wanted =
      std::any_of(loaded.shown.begin(), loaded.shown.end(), [](const auto& shown) {
        return shown.path == "worker.agents_dir" && shown.origin != "default";
      });
  options.builtin = s.workers.builtin == config::Builtin::on ||
                    (s.workers.builtin == config::Builtin::automatic && is_all_loopback(s));
  options.output_max = s.limits.result_max;
  return options;
}

int run_worker(const WorkerOptions& options) {
  observe::Signals signals;
  static ChildKeeper keeper;  // a handler that is left behind may use it until the very end
  if (auto ok = transport::check_library(); !ok)
    return give_up("the worker does not start", ok.error());
  if (auto ok = check_window(options); !ok) return give_up("the worker does not start", ok.error());
  const auto crew = muster(options, keeper);
  if (!crew) return give_up("the worker does not start", crew.error());
  for (const auto& note : crew->notes) log::info(note);
  return run_crew(options, *crew, signals);
}

}  // namespace drover::workers
