// A broker's life that ends with a store: frames in at times that the story tells, on a disk in
// memory, always in the same way.
//
//   Story story(StoryOptions{});
//   const auto horse = story.hello('h');
//   const auto task = story.submit([](TaskSpec& s) { s.max_attempts = 2; });
//   story.fail(horse, task, "TASK_FAILED");
//   story.stop();                     // or story.tear(): the power goes during a write
//   story.disk().contents("mark");
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/io/turn.hpp"
#include "broker/store/journal/inline_journal_store.hpp"
#include "tests/support/sim_disk.hpp"

namespace drover::golden {

inline constexpr Instant kThen = instant_from_ms(1'769'846'709'007);

struct StoryOptions {
  std::uint64_t seed = 1;
  std::uint64_t segment_bytes = 16 * 1024;
  broker::TurnOptions turn;
};

// A worker that has said hello.
struct Hand {
  broker::Peer peer{};
  SessionId session{};
};

class Story {
 public:
  explicit Story(StoryOptions options);

  Hand hello(char name, std::vector<std::string_view> types = {"work"}, std::uint32_t slots = 10);
  TaskId submit(const std::function<void(TaskSpec&)>& say = nullptr);
  void say(const wire::ClientMessage& message);
  void say(const Hand& hand, const wire::WorkerMessage& message);

  // How the attempt that the task is at ends.
  void complete(const Hand& hand, const TaskId& task, std::string_view result);
  void fail(const Hand& hand, const TaskId& task, std::string_view code, bool retryable = true,
            Outcome outcome = Outcome::failed);

  void pass(Duration duration);
  Instant now() const { return now_; }

  // The ends: in good order, or with the last commit half on the disk.
  void stop();
  void tear();

  const test::SimDisk& disk() const { return disk_; }

 private:
  class Ear;
  void turn(const std::function<void()>& frames = [] {});
  wire::Hold hold_of(const TaskId& task) const;

  test::SimDisk disk_;
  std::shared_ptr<Ear> ear_;
  std::unique_ptr<broker::journal::InlineJournalStore> store_;
  std::unique_ptr<broker::Turn> turn_;
  Instant now_ = kThen;
  Random ids_;
  std::uint64_t peers_ = 1;
  bool held_ = false;  // commits wait
};

}  // namespace drover::golden
