// Mutations: one bit or one byte of an acknowledged journal changes, at random places of many
// journals. A start refuses it, or the change has no effect; none is silent.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include "tests/faults/scale.hpp"
#include "tests/faults/victim.hpp"

namespace drover::test {
namespace {

constexpr std::uint64_t kMutations = 900'000;  // in all, at 100 percent
constexpr std::uint64_t kOfOneVictim = 30'000;

// A byte of a file, and what is XORed into it.
struct Mutation {
  std::string file;
  std::uint64_t at = 0;
  unsigned mask = 0;
};

void apply(const Mutation& mutation, SimDisk& disk) {
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((mutation.mask >> bit & 1) != 0) disk.flip_bit(mutation.file, mutation.at * 8 + bit);
  }
}

// The files of a victim, and how much of each is written.
class Places {
 public:
  explicit Places(const Victim& victim) {
    for (const auto& name : victim.disk.names()) {
      if (name != "mark" && !name.starts_with("segment-")) continue;
      const auto bytes = victim.disk.contents(name);
      files_.push_back({name, bytes, bytes.find_last_not_of('\0') + 1});
    }
  }

  // Seven of eight are where something is written: a changed zero behind it is found or not needed.
  Mutation draw(Random& random) const {
    const File& file = files_[random.below(files_.size())];
    const auto at = random.below(random.one_in(8) ? file.bytes.size() : file.written);
    return {file.name, at, mask(static_cast<unsigned char>(file.bytes[at]), random)};
  }

 private:
  struct File {
    std::string name;
    std::string bytes;
    std::size_t written;
  };

  // One bit, another byte, 0x00 or 0xff; never nothing.
  static unsigned mask(unsigned byte, Random& random) {
    const auto other = static_cast<unsigned>(1 + random.below(255));
    switch (random.below(4)) {
      case 0: return byte != 0 ? byte : other;
      case 1: return byte != 0xff ? byte ^ 0xffU : other;
      case 2: return other;
      default: return 1U << random.below(8);
    }
  }

  std::vector<File> files_;
};

TEST(Mutations, NoChangedByteGivesAnotherState) {
  const auto all = share_of(kMutations);
  std::array<std::uint64_t, 4> counts{};
  std::uint64_t seed = 0;
  for (std::uint64_t done = 0; done < all;) {
    Victim victim({.seed = ++seed});
    const Places places(victim);
    Random random(seed);
    for (std::uint64_t i = 0; i < kOfOneVictim && done < all; ++i, ++done) {
      const auto mutation = places.draw(random);
      apply(mutation, victim.disk);
      const auto verdict = victim.verdict();
      apply(mutation, victim.disk);
      ++counts[static_cast<std::size_t>(verdict)];
      ASSERT_TRUE(verdict == Victim::Verdict::refused || verdict == Victim::Verdict::same)
          << "journal " << seed << ", " << mutation.file << " byte " << mutation.at << " ^ "
          << mutation.mask << ": " << victim.said;
    }
    ASSERT_EQ(victim.verdict(), Victim::Verdict::same) << "a mutation was not taken back";
  }
  using enum Victim::Verdict;
  const auto of = [&](Victim::Verdict verdict) {
    return counts[static_cast<std::size_t>(verdict)];
  };
  std::printf("%lu mutations of %lu journals: %lu refused, %lu without effect, %lu silent\n", all,
              seed, of(refused), of(same), of(shorter) + of(wrong));
  EXPECT_GT(of(refused), all / 2);
}

}  // namespace
}  // namespace drover::test
