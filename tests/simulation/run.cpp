// Runs seeds of the simulation from the command line.
//
//   simulation_run --seed 42 --count 1000   that many seeds from there on; a line each that fails
//   simulation_run --seed 42 --trace        one seed, told line by line
//   simulation_run --seed 42 --twice        each seed two times: the traces must be the same
//   simulation_run --seed 42 --hash         the number that stands for the trace
//
// Exit 0 if no promise was broken.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/simulation/simulation.hpp"

namespace drover::sim {
namespace {

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t count = 1;
  bool trace = false;
  bool twice = false;
  bool hash = false;
  bool keep_going = false;
};

std::uint64_t seed_under_way = 0;

// An assertion of ours ends the process: its seed must not be lost with it.
void on_abort(int) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "aborted in seed %llu\n",
                                   static_cast<unsigned long long>(seed_under_way));
  [[maybe_unused]] const auto written =
      ::write(STDERR_FILENO, text, static_cast<std::size_t>(length));
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (name == "--seed") {
      arguments.seed = number();
    } else if (name == "--count") {
      arguments.count = number();
    } else if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--twice") {
      arguments.twice = true;
    } else if (name == "--hash") {
      arguments.hash = true;
    } else if (name == "--keep-going") {
      arguments.keep_going = true;
    } else {
      std::fprintf(stderr,
                   "usage: %s [--seed N] [--count M] [--trace] [--twice] [--hash] [--keep-going]\n",
                   argv[0]);
      std::exit(2);
    }
  }
  return arguments;
}

void print_line(const std::string& line) { std::printf("%s\n", line.c_str()); }

void print_sums(const FaultCounts& faults, const CheckerFigures& f) {
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    std::printf("  %-24s %llu\n", std::string(kFaultNames[i]).c_str(),
                static_cast<unsigned long long>(faults.by_kind[i]));
  }
  const auto print = [](const char* name, std::uint64_t value) {
    std::printf("  %-24s %llu\n", name, static_cast<unsigned long long>(value));
  };
  print("records", f.records), print("accepted", f.accepted), print("duplicates", f.duplicates);
  print("refused", f.refused), print("leases", f.leases), print("confirms", f.confirms);
  print("stale", f.stale), print("events", f.events), print("replayed events", f.replayed_events);
  print("recoveries", f.recoveries), print("gaps", f.gaps), print("poisoned", f.poisoned);
  print("dead", f.dead), print("expired", f.expired);
  for (std::size_t from = 0; from < kTaskStates; ++from) {
    for (std::size_t to = 0; to < kTaskStates; ++to) {
      if (f.steps[from][to] == 0 || from == to) continue;
      const std::string step = std::string(name_of(static_cast<TaskState>(from))) + " > " +
                               std::string(name_of(static_cast<TaskState>(to)));
      print(step.c_str(), f.steps[from][to]);
    }
  }
}

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int run(const Arguments& arguments) {
  const double begin = processor_seconds();
  FaultCounts faults;
  CheckerFigures figures;
  std::uint64_t failures = 0, tasks = 0, done = 0;
  Micros simulated = 0;
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.count; ++seed) {
    seed_under_way = seed;
    Report report = simulate(seed, arguments.trace ? print_line : Trace::Sink());
    if (arguments.twice && simulate(seed).trace_hash != report.trace_hash) {
      report.violation = "two runs of the seed differ";
    }
    ++done;
    faults.add(report.faults);
    figures.add(report.figures);
    tasks += report.tasks;
    simulated += report.simulated;
    if (arguments.hash) {
      std::printf("seed %llu: %016llx\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(report.trace_hash));
    }
    if (!report.violation) continue;
    ++failures;
    std::printf("seed %llu at %.3f s: %s\n", static_cast<unsigned long long>(seed),
                static_cast<double>(report.simulated) / kSecond, report.violation->c_str());
    if (!arguments.keep_going) {
      std::printf("%s", describe(draw_options(seed)).c_str());
      break;
    }
  }
  const double took = processor_seconds() - begin;
  print_sums(faults, figures);
  std::printf(
      "%llu seeds, %llu failed; %llu tasks, %.0f simulated minutes, %llu faults; "
      "%.0f seeds a minute of processor time\n",
      static_cast<unsigned long long>(done), static_cast<unsigned long long>(failures),
      static_cast<unsigned long long>(tasks), static_cast<double>(simulated) / kMinute,
      static_cast<unsigned long long>(faults.total()), static_cast<double>(done) * 60 / took);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace drover::sim

int main(int argc, char** argv) {
  std::signal(SIGABRT, drover::sim::on_abort);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return drover::sim::run(drover::sim::parse(argc, argv));
}
