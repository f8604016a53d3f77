#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "cli/human.hpp"
#include "cli/json_read.hpp"
#include "cli/supervisor.hpp"
#include "common/config/address.hpp"
#include "drover/client.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::size_t kBroker = 0;  // its place among the programs; the workers follow
constexpr std::size_t kWorkers = 1;
constexpr Duration kBrokerStops = 30s;
constexpr auto kRecovers = std::chrono::minutes(10);  // a large store is read back
constexpr auto kWorkersJoin = std::chrono::seconds(15);

struct UpOptions {
  std::optional<std::uint32_t> workers;
  std::string data;
  std::optional<std::uint32_t> port_base;
};

// --- addresses

// Three ports that are free now, next to each other in no particular way.
std::vector<int> free_ports() {
  std::vector<int> sockets, ports;
  for (int i = 0; i < 3; ++i) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    sockets.push_back(fd);
    ports.push_back(ntohs(at.sin_port));
  }
  for (const int fd : sockets) close(fd);
  return ports;
}

std::vector<config::Override> overrides_of(const UpOptions& options) {
  std::vector<config::Override> all;
  if (!options.data.empty()) all.push_back({"store.url", "file:" + options.data, "--data"});
  if (!options.port_base) return all;
  const int base = static_cast<int>(*options.port_base);
  const auto ports = base == 0 ? free_ports() : std::vector{base, base + 1, base + 2};
  const auto address = [&](std::size_t i) { return fmt::format("tcp://127.0.0.1:{}", ports[i]); };
  for (const auto& [path, port] : {std::pair("broker.clients.bind", 0),
                                   {"broker.workers.bind", 1},
                                   {"broker.status.bind", 2}}) {
    all.push_back({path, address(static_cast<std::size_t>(port)), "--port-base"});
  }
  return all;
}

// True if something accepts connections there.
bool is_taken(const std::string& bound) {
  const auto address = config::parse_address(config::reachable_here(bound));
  if (!address) return false;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address->port.c_str())));
  const auto host = address->host == "localhost" ? "127.0.0.1" : address->host;
  if (inet_pton(AF_INET, host.c_str(), &at.sin_addr) != 1) return false;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool taken = connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  close(fd);
  return taken;
}

// --- the fleet

class Fleet {
 public:
  Fleet(Context& context, std::size_t workers, config::Settings settings,
        std::vector<config::Override> overrides)
      : context_(context),
        workers_(workers),
        settings_(std::move(settings)),
        overrides_(std::move(overrides)),
        supervisor_(context) {}

  int run() {
    if (is_taken(settings_.broker.clients.bind)) {
      return context_.fail(
          {Errc::internal, fmt::format("something listens at {} already, another broker perhaps. "
                                       "--port-base chooses other addresses",
                                       settings_.broker.clients.bind)});
    }
    add_programs();
    if (bring_up()) {
      tell();
      while (supervisor_.round(1s)) {
      }
    }
    return bring_down();
  }

 private:
  void add_programs() {
    supervisor_.add("broker", command("drover-broker"));
    for (std::uint32_t i = 1; i <= workers_; ++i) {
      supervisor_.add(workers_ == 1 ? "worker" : fmt::format("worker {}", i),
                      command("drover-worker"));
    }
  }

  // The same file, and as flags what was said on our command line.
  std::vector<std::string> command(const std::string& program) const {
    std::vector<std::string> words = {program_beside_us(program)};
    if (context_.config_file) words.insert(words.end(), {"--config", *context_.config_file});
    for (const auto& [path, value, flag] : overrides_) words.push_back("--" + path + "=" + value);
    const bool text = context_.terminal.err.terminal && settings_.log.format == "auto";
    if (text) words.push_back("--log.format=text");
    if (context_.quiet) words.push_back("--log.level=warn");
    return words;
  }

  // False: something failed, or the user does not want to wait.
  bool bring_up() {
    if (!start(kBroker) || !await_broker()) return false;
    for (std::size_t i = 0; i < workers_; ++i) {
      if (!start(kWorkers + i)) return false;
    }
    return await_workers();
  }

  bool start(std::size_t place) {
    const auto started = supervisor_.start(place);
    if (!started) error_ = started.error();
    return started.has_value();
  }

  bool await_broker() {
    ClientOptions options;
    options.url = settings_.client.url;
    options.stop_fd = Context::stop_fd();
    auto client = Client::open(options);
    if (!client) {
      error_ = client.error();
      return false;
    }
    client_.emplace(std::move(*client));
    const auto until = steady_clock::now() + kRecovers;
    while (!client_->connect(50ms)) {
      if (!supervisor_.round(Duration(50))) return false;
      if (steady_clock::now() < until) continue;
      error_ = Error{Errc::broker_unavailable, "the broker does not answer"};
      return false;
    }
    return true;
  }

  // Their number, as the broker sees it. Fewer than wanted are told, not waited for forever.
  bool await_workers() {
    const auto until = steady_clock::now() + kWorkersJoin;
    while (true) {
      const auto workers = client_->workers();
      if (workers) joined_ = workers->size();
      if (joined_ >= workers_ || steady_clock::now() >= until) return true;
      if (!supervisor_.round(Duration(50))) return false;
    }
  }

  std::string data_path() const {
    const auto directory = config::store_directory(settings_);
    if (directory.empty()) return settings_.store.url;
    std::error_code error;
    const auto path = std::filesystem::absolute(directory, error);
    return path.lexically_normal().string();
  }

  // "1,204 tasks: 3 ready, 1,201 completed", or "empty".
  std::string data_counts() {
    const auto queues = client_->queues();
    std::map<std::string, std::uint64_t> counts;
    std::uint64_t all = 0;
    for (const auto& queue : queues ? *queues : json::array()) {
      for (std::size_t i = 0; i < kTaskStates; ++i) {
        const std::string state(name_of(static_cast<TaskState>(i)));
        counts[state] += number_of(queue, state.c_str());
        all += number_of(queue, state.c_str());
      }
    }
    if (all == 0) return "empty";
    auto text = counted(all, "task") + ":";
    for (const auto& [state, count] : counts) {
      if (count > 0) text += fmt::format(" {} {},", grouped(count), state);
    }
    text.pop_back();
    return text;
  }

  void tell() {
    if (context_.json) return tell_json();
    const auto& out = context_.terminal.out;
    const auto line = [&](const char* name, const std::string& value) {
      context_.print(fmt::format("  {:<8} {}", name, value));
    };
    context_.print(out.paint(
        Colour::green, fmt::format("Drover is up: a broker and {}.", counted(joined_, "worker"))));
    line("clients", settings_.broker.clients.bind);
    line("workers", settings_.broker.workers.bind);
    line("status", settings_.broker.status.bind);
    line("data", data_path() + " (" + data_counts() + ")");
    const bool usual = settings_.client.url == config::Settings().broker.clients.bind;
    line("try",
         out.paint(Colour::bold, fmt::format("drover submit test.echo '{{\"x\":1}}' --wait{}",
                                             usual ? "" : " --url " + settings_.client.url)));
    if (joined_ < workers_) {
      context_.warn(fmt::format("{} of {} workers have joined so far", joined_, workers_));
    }
    context_.note("Ctrl-C stops it.");
  }

  void tell_json() {
    const auto pids = supervisor_.pids(kBroker);
    context_.print_json({{"clients", settings_.broker.clients.bind},
                         {"workers", settings_.broker.workers.bind},
                         {"status", settings_.broker.status.bind},
                         {"data", data_path()},
                         {"broker_pid", pids.front()},
                         {"worker_pids", supervisor_.pids(kWorkers)}});
  }

  // Workers first, so that what they give back is written down.
  int bring_down() {
    client_.reset();
    if (!supervisor_.failure() && !error_) context_.note("stopping ...");
    supervisor_.stop(kWorkers, settings_.worker.drain_timeout + 10s);
    supervisor_.stop(kBroker, kBrokerStops);
    if (supervisor_.failure()) return context_.fail(*supervisor_.failure()), kFailed;
    if (error_) return context_.fail(*error_), kFailed;
    context_.note("stopped");
    return kOk;
  }

  Context& context_;
  std::size_t workers_;
  config::Settings settings_;
  std::vector<config::Override> overrides_;
  Supervisor supervisor_;
  std::optional<Client> client_;
  std::optional<Error> error_;
  std::size_t joined_ = 0;
};

int up(Context& context, const UpOptions& options) {
  auto overrides = overrides_of(options);
  auto loaded = context.settings(overrides);
  if (!loaded) return context.fail(loaded.error());
  if (config::is_secured(loaded->settings)) {
    return context.fail({Errc::bad_configuration,
                         "security.keys_file is set, and each process of a secured fleet has a key "
                         "of its own: start drover-broker and drover-worker by themselves",
                         "security.keys_file"});
  }
  // Whatever a file or the environment says of other brokers: this fleet is its own.
  auto& settings = loaded->settings;
  settings.client.url = config::reachable_here(settings.broker.clients.bind);
  settings.worker.connect = config::reachable_here(settings.broker.workers.bind);
  for (const auto* path :
       {"security.key_file", "security.server_key", "security.server_key_file"}) {
    overrides.push_back({path, "", "drover up"});
  }
  overrides.push_back({"client.url", settings.client.url, "drover up"});
  overrides.push_back({"worker.connect", settings.worker.connect, "drover up"});
  return Fleet(context, options.workers.value_or(1), std::move(loaded->settings), overrides).run();
}

}  // namespace

void add_up(Verb& root, Context& context) {
  const auto options = std::make_shared<UpOptions>();
  root.verb("up", "start a broker and workers here, and keep them running")
      .option(options->workers, "--workers", 0, 1000, "how many workers (1)")
      .option(options->data, "--data", "DIR", "the folder where tasks are kept (./data)")
      .option(options->port_base, "--port-base", 0, 65533,
              "the first of three ports (7700); 0: any that are free")
      .does([&context, options] { return up(context, *options); });
}

}  // namespace drover::cli
