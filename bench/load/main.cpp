// bench_load: producers and workers for a broker under load. `bench_load --help` tells how.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "bench/load/load.hpp"

namespace {

using drover::Duration;

constexpr const char* kHelp =
    "bench_load produce [--url U] [--type T] [--tasks N] [--batch N] [--payload BYTES] [--window "
    "N]\n"
    "                   [--priority P] [--delay D] [--rate N] [--ids FILE] [--resend FILE]\n"
    "                   [--timeout D]\n"
    "bench_load work    [--connect U] [--type T] [--workers N] [--window N] [--hold D]\n"
    "                   [--history FILE] [--failures PERMILLE] [--reconnects PER_MINUTE]\n"
    "                   [--result JSON]\n"
    "bench_load subscribe [--status U] [--prefix P] [--count N] [--slow D]\n";

// --name value pairs; what is not asked for by the end is unknown.
class Flags {
 public:
  Flags(int argc, char** argv) {
    for (int i = 2; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
    if (argc % 2 != 0) fail(argv[argc - 1]);
  }

  void take(const char* name, std::string& out) {
    if (const auto at = values_.find(name); at != values_.end()) {
      out = at->second;
      values_.erase(at);
    }
  }
  template <class Number>
  void take(const char* name, Number& out) {
    std::string text;
    take(name, text);
    if (!text.empty()) out = static_cast<Number>(std::strtoull(text.c_str(), nullptr, 10));
  }
  void take(const char* name, Duration& out) {
    std::string text;
    take(name, text);
    if (text.empty()) return;
    const auto duration = drover::parse_duration(text);
    if (!duration) fail(name);
    out = *duration;
  }
  void finish() {
    if (!values_.empty()) fail(values_.begin()->first);
  }

  [[noreturn]] static void fail(const std::string& what) {
    std::fprintf(stderr, "bench_load: cannot use %s\n%s", what.c_str(), kHelp);
    std::exit(2);
  }

 private:
  std::map<std::string, std::string> values_;
};

int run_produce(Flags flags) {
  drover::bench::ProduceOptions o;
  flags.take("--url", o.url);
  flags.take("--type", o.type);
  flags.take("--tasks", o.tasks);
  flags.take("--batch", o.batch);
  flags.take("--payload", o.payload);
  flags.take("--window", o.window);
  flags.take("--priority", o.priority);
  flags.take("--delay", o.delay);
  flags.take("--rate", o.rate);
  flags.take("--ids", o.ids);
  flags.take("--resend", o.resend);
  flags.take("--timeout", o.timeout);
  flags.finish();
  return produce(o);
}

int run_work(Flags flags) {
  drover::bench::WorkOptions o;
  flags.take("--connect", o.connect);
  flags.take("--type", o.type);
  flags.take("--workers", o.workers);
  flags.take("--window", o.window);
  flags.take("--hold", o.hold);
  flags.take("--history", o.history);
  flags.take("--failures", o.failures_permille);
  flags.take("--reconnects", o.reconnects);
  flags.take("--result", o.result);
  flags.finish();
  return work(o);
}

int run_subscribe(Flags flags) {
  drover::bench::SubscribeOptions o;
  flags.take("--status", o.status);
  flags.take("--prefix", o.prefix);
  flags.take("--count", o.count);
  flags.take("--slow", o.slow);
  flags.finish();
  return subscribe(o);
}

}  // namespace

drover::transport::ClientKeys drover::bench::keys_of_environment() {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string(text != nullptr ? text : "");
  };
  return {value("DROVER_SECURITY__KEY_FILE"), value("DROVER_SECURITY__SERVER_KEY"), ""};
}

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "--help";
  if (verb == "produce") return run_produce(Flags(argc, argv));
  if (verb == "work") return run_work(Flags(argc, argv));
  if (verb == "subscribe") return run_subscribe(Flags(argc, argv));
  std::fputs(kHelp, verb == "--help" ? stdout : stderr);
  return verb == "--help" ? 0 : 2;
}
