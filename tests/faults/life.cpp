#include "tests/faults/life.hpp"

#include <iterator>

namespace drover::test {
namespace {

// The moment at which the process or the power goes: any call, or one of the rarer kinds.
DiskFault random_end(Random& random) {
  constexpr DiskCall kCalls[] = {DiskCall::rename, DiskCall::remove, DiskCall::sync_directory,
                                 DiskCall::sync,   DiskCall::write,  DiskCall::open};
  DiskFault end;
  end.kind = DiskFault::Kind::power_off;
  if (random.one_in(2)) {
    end.at_call = 1 + random.below(random.one_in(3) ? 30 : 200);
  } else {
    end.call = kCalls[random.below(std::size(kCalls))];
    end.at_call = 1 + random.below(random.one_in(2) ? 6 : 60);
  }
  return end;
}

}  // namespace

Life live(std::uint64_t seed, const Plant& plant) {
  Random random(seed);
  SimDisk disk(random.next());
  disk.set_lies(plant.lies);
  disk.rewrite_writes(plant.rewrite);
  Rig rig(disk, random.next());
  Life life;
  const auto lives = 2 + random.below(3);
  for (std::uint64_t i = 0; i < lives && !rig.wrong(); ++i) {
    if (random.one_in(2)) disk.plan(random_end(random));
    if (rig.start()) {
      for (auto steps = random.below(random.one_in(3) ? 400 : 60);
           steps > 0 && !rig.failed() && !rig.wrong(); --steps)
        rig.step();
      const auto figures = rig.store().figures();
      life.torn_tails += figures.torn_tail_bytes > 0;
      life.carried_bytes += figures.carried_bytes;
      if (random.one_in(5)) {
        rig.close();
      } else {
        rig.kill();
      }
    } else if (!disk.fault_happened()) {
      rig.note("refused: " + rig.refusal().message);
    }
    if (random.one_in(2)) {
      disk.power_cut();
      ++life.cuts;
    } else {
      disk.heal();
      ++life.kills;
    }
  }
  if (!rig.wrong() && !rig.start()) rig.note("refused: " + rig.refusal().message);
  life.wrong = rig.wrong();
  life.acknowledged = rig.ledger().acknowledged();
  return life;
}

}  // namespace drover::test
