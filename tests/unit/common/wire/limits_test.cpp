// What a frame may not be: too long, too deep, too many, or a lie about its own size.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/common/wire/counted_memory.hpp"
#include "tests/unit/common/wire/sentences.hpp"

namespace drover::wire::testing {
namespace {

constexpr std::size_t kMillion = 1'000'000;

std::string id(char name = 'a') { return std::string(16, name); }

std::string task_bytes(std::string_view payload = "p") {
  TaskSpec spec;
  spec.id = task_named('a');
  spec.type = "t";
  spec.payload = payload;
  std::string bytes;
  encode_task(spec, bytes);
  return bytes;
}

// A submit frame of these task arrays.
std::string submit_of(const std::vector<std::string>& tasks) {
  Submit submit{7, {}};
  for (const auto& task : tasks) submit.tasks.push_back({{}, task, {}});
  return frame_of(submit);
}

// An array of 32-bit count, as nobody honest writes it for a few elements.
std::string array32(std::uint32_t count) {
  std::string bytes = "\xdd";
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(count >> shift);
  return bytes;
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '\x91') + "\xc0";
}

// --- size

TEST(FrameLimitsTest, AMessageHasAMost) {
  const std::string frame = frame_of(Ping{1});
  FrameLimits limits;
  limits.message_max = frame.size();
  EXPECT_EQ(verdict<ClientMessage>(frame, limits), "read");
  limits.message_max = frame.size() - 1;
  EXPECT_EQ(verdict<ClientMessage>(frame, limits), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(Bye{}), {.message_max = 2}), "MESSAGE_TOO_LARGE");
}

TEST(FrameLimitsTest, AMessageMayBeAMebibyteUnlessToldOtherwise) {
  const std::string payload(1024 * 1024 - 100, 'p');
  EXPECT_EQ(verdict<ClientMessage>(submit_of({task_bytes(payload)})), "read");
  EXPECT_EQ(verdict<ClientMessage>(submit_of({task_bytes(payload + std::string(100, 'p'))})),
            "MESSAGE_TOO_LARGE");
}

TEST(FrameLimitsTest, ABatchHasAMostWhateverIsAskedOfItsTasks) {
  const FrameLimits limits{.batch_max = 3};
  const auto task = task_bytes();
  EXPECT_EQ(verdict<ClientMessage>(submit_of({task, task, task}), limits), "read");
  EXPECT_EQ(verdict<ClientMessage>(submit_of({task, task, task, task}), limits), "BATCH_TOO_LARGE");
  const std::vector<TaskId> three(3), four(4);
  EXPECT_EQ(verdict<ClientMessage>(frame_of(Cancel{1, three}), limits), "read");
  EXPECT_EQ(verdict<ClientMessage>(frame_of(Cancel{1, four}), limits), "BATCH_TOO_LARGE");
  EXPECT_EQ(verdict<ClientMessage>(frame_of(Retry{1, three}), limits), "read");
  EXPECT_EQ(verdict<ClientMessage>(frame_of(Retry{1, four}), limits), "BATCH_TOO_LARGE");
}

TEST(FrameLimitsTest, AThousandTasksAreABatchUnlessToldOtherwise) {
  EXPECT_EQ(verdict<ClientMessage>(submit_of(std::vector<std::string>(1000, task_bytes()))),
            "read");
  EXPECT_EQ(verdict<ClientMessage>(submit_of(std::vector<std::string>(1001, task_bytes()))),
            "BATCH_TOO_LARGE");
}

TEST(FrameLimitsTest, AWorkerHoldsAtMostAHundredThousand) {
  const FrameLimits limits{.message_max = 16 * kMillion};
  Heartbeat beat{SessionId{1}, false, std::vector<Hold>(kHoldsMax)};
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(beat), limits), "read");
  beat.holds.emplace_back();
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(beat), limits), "TOO_MANY_ELEMENTS");
  Hello hello;
  hello.holds = beat.holds;
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(hello), limits), "TOO_MANY_ELEMENTS");
}

TEST(FrameLimitsTest, AWorkerHasAtMostTenThousandTypesAndAThousandCapabilitiesAndLabels) {
  Hello hello;
  hello.types.assign(10'000, "t");
  hello.capabilities.assign(1000, "c");
  hello.labels.assign(1000, {"k", "v"});
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(hello)), "read");
  Hello types = hello, capabilities = hello, labels = hello;
  types.types.emplace_back("t");
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(types)), "TOO_MANY_ELEMENTS");
  capabilities.capabilities.emplace_back("c");
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(capabilities)), "TOO_MANY_ELEMENTS");
  labels.labels.emplace_back("k", "v");
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(labels)), "TOO_MANY_ELEMENTS");
}

// --- depth

TEST(FrameLimitsTest, ValuesNestAtMost32Deep) {
  const auto added = [](const std::string& value) {  // a field that a later release might add
    std::string frame;
    Writer(frame).array(3).uint(14).uint(7).raw(value);
    return frame;
  };
  EXPECT_EQ(verdict<ClientMessage>(added(nested(32))), "read");
  EXPECT_EQ(verdict<ClientMessage>(added(nested(33))), "TOO_DEEP");
  EXPECT_EQ(verdict<ClientMessage>(added(nested(500'000))), "TOO_DEEP") << "without a deep stack";
  const std::string maps = [] {
    std::string bytes;
    for (int i = 0; i < 33; ++i) bytes += "\x81\xa1k";
    return bytes + "\xc0";
  }();
  EXPECT_EQ(verdict<ClientMessage>(added(maps)), "TOO_DEEP");
  EXPECT_EQ(verdict<ClientReply>(frame_of(Answer{1, nested(33)})), "TOO_DEEP");
  EXPECT_EQ(verdict<ClientMessage>(submit_of({nested(40)})), "TOO_DEEP");
  EXPECT_EQ(peek_request(added(nested(33))), 7u) << "who asked is told";
}

// --- lies

TEST(FrameLimitsTest, ACountBeyondTheFrameCostsNothing) {
  const std::string head_of_submit("\x93\x02\x01", 3), head_of_cancel("\x93\x06\x01", 3);
  const std::string head_of_done("\x93\x43\x01", 3), head_of_beat("\x94\x42\x01\xc2", 4);
  const std::string head_of_accepted("\x92\x22", 2), head_of_assign("\x93\x62\x01", 3);
  const std::string million = array32(kMillion), most = array32(UINT32_MAX);
  const std::size_t before = allocated_bytes();
  for (const auto& count : {million, most}) {
    EXPECT_EQ(decode_client_message(head_of_submit + count, {}).error().code, Errc::malformed);
    EXPECT_EQ(decode_client_message(head_of_cancel + count, {}).error().code, Errc::malformed);
    EXPECT_EQ(decode_worker_message(head_of_done + count, {}).error().code, Errc::malformed);
    EXPECT_EQ(decode_worker_message(head_of_beat + count, {}).error().code, Errc::malformed);
    EXPECT_EQ(decode_client_reply(head_of_accepted + count).error().code, Errc::malformed);
    EXPECT_EQ(decode_worker_order(head_of_assign + count).error().code, Errc::malformed);
    EXPECT_EQ(decode_client_message(count, {}).error().code, Errc::malformed);
  }
  EXPECT_LT(allocated_bytes() - before, 20'000u) << "the sentences of the refusals, no lists";
}

TEST(FrameLimitsTest, ALengthBeyondTheFrameCostsNothing) {
  const std::string four_gib = "\xff\xff\xff\xff";
  const std::string connect = std::string("\x94\x01\x01\x01\xdb", 5) + four_gib;
  const std::string hello = std::string("\x9c\x41\x01\xc6", 4) + four_gib;
  const std::size_t before = allocated_bytes();
  EXPECT_EQ(decode_client_message(connect, {}).error().code, Errc::malformed);
  EXPECT_EQ(decode_worker_message(hello, {}).error().code, Errc::malformed);
  EXPECT_LT(allocated_bytes() - before, 4'000u);
}

TEST(FrameLimitsTest, TheCostOfAFrameIsInProportionToItsBytes) {
  // The dearest lie: as many elements as there are bytes, and the first of them is wrong.
  const FrameLimits limits{.message_max = 8 * kMillion, .batch_max = 100'000};
  const std::string filler(100'000, '\xc0');
  for (const auto& head : {std::string("\x93\x02\x01", 3), std::string("\x93\x06\x01", 3)}) {
    const std::string frame = head + array32(100'000) + filler;
    const std::size_t before = allocated_bytes();
    const auto message = decode_client_message(frame, limits);
    EXPECT_LT(allocated_bytes() - before, 600 * frame.size());
  }
  for (const auto& head : {std::string("\x93\x43\x01", 3), std::string("\x93\x44\x01", 3),
                           std::string("\x93\x45\x01", 3), std::string("\x93\x46\x01", 3)}) {
    const std::string frame = head + array32(100'000) + filler;
    const std::size_t before = allocated_bytes();
    EXPECT_EQ(decode_worker_message(frame, limits).error().code, Errc::malformed);
    EXPECT_LT(allocated_bytes() - before, 128 * frame.size());
  }
}

TEST(FrameLimitsTest, AFrameIsExactlyOneArrayOfAKnownKind) {
  EXPECT_EQ(verdict<ClientMessage>(""), "MALFORMED");
  EXPECT_EQ(verdict<ClientMessage>("\x90"), "MALFORMED") << "no kind";
  EXPECT_EQ(verdict<ClientMessage>(std::string("\x90\x0e\x01", 3)), "MALFORMED")
      << "the kind and the request stand behind the array";
  EXPECT_EQ(verdict<ClientMessage>(std::string("\x91\x0e\x01", 3)), "MALFORMED");
  EXPECT_EQ(verdict<ClientMessage>(std::string("\x92\x0e\x01", 3)), "read");
  EXPECT_EQ(verdict<ClientMessage>(std::string("\x92\x0e\x01\x00", 4)), "MALFORMED")
      << "a byte behind the frame";
  EXPECT_EQ(verdict<ClientMessage>("\x82\x0e\x01\x01\x01"), "MALFORMED") << "a map";
  EXPECT_EQ(verdict<ClientMessage>("hello"), "MALFORMED");
  EXPECT_EQ(verdict<ClientMessage>("\xc1"), "MALFORMED") << "no msgpack value";
}

TEST(FrameLimitsTest, AKindIsKnownToThoseWhoAreSentIt) {
  const std::string to_broker = frame_of(Ping{1}),
                    to_client = frame_of(Refused{1, Errc::internal, "", "", 0ms});
  const std::string from_worker = frame_of(Bye{}), to_worker = frame_of(Alive{});
  EXPECT_EQ(verdict<ClientMessage>(to_client), "UNKNOWN_MESSAGE");
  EXPECT_EQ(verdict<ClientMessage>(from_worker), "UNKNOWN_MESSAGE");
  EXPECT_EQ(verdict<ClientReply>(to_broker), "UNKNOWN_MESSAGE");
  EXPECT_EQ(verdict<WorkerMessage>(to_worker), "UNKNOWN_MESSAGE");
  EXPECT_EQ(verdict<WorkerOrder>(from_worker), "UNKNOWN_MESSAGE");
  std::string zero, huge;
  Writer(zero).array(2).uint(0).uint(1);
  Writer(huge).array(2).uint(UINT64_MAX).uint(1);
  EXPECT_EQ(verdict<ClientMessage>(zero), "UNKNOWN_MESSAGE");
  EXPECT_EQ(verdict<ClientMessage>(huge), "UNKNOWN_MESSAGE");
}

// --- one bad task

TEST(SubmitTest, ATaskThatCannotBeReadLeavesTheOthersReadable) {
  std::string no_type, bad_priority, no_array, not_utf8;
  Writer(no_type).array(2).id(task_named('x')).nil();
  Writer(bad_priority).array(5).id(task_named('x')).str("t").bin("").nil().uint(9);
  Writer(no_array).str("a task?");
  Writer(not_utf8).array(3).id(task_named('x')).str("\xff").bin("");
  const std::string good = task_bytes("good");
  const std::string frame =
      submit_of({good, no_type, good, bad_priority, no_array, not_utf8, good});
  const auto decoded = decode_client_message(frame, {});
  ASSERT_TRUE(decoded) << decoded.error().message;
  const auto& tasks = std::get<Submit>(*decoded).tasks;
  ASSERT_EQ(tasks.size(), 7u);
  for (const std::size_t i : {0u, 2u, 6u}) {
    EXPECT_FALSE(tasks[i].fault) << i;
    EXPECT_EQ(tasks[i].spec.payload, "good");
    EXPECT_EQ(tasks[i].bytes, good);
  }
  EXPECT_EQ(tasks[1].fault->code, Errc::malformed);
  EXPECT_EQ(tasks[3].fault->code, Errc::invalid_argument);
  EXPECT_EQ(tasks[3].spec.id, task_named('x')) << "the refusal can name it";
  EXPECT_EQ(tasks[4].fault->code, Errc::malformed);
  EXPECT_EQ(tasks[5].fault->code, Errc::malformed);
}

// --- values that have a meaning

TEST(FrameLimitsTest, TextsAreUtf8) {
  EXPECT_EQ(verdict<ClientMessage>(frame_of(Connect{1, 1, "gr\u00fcn"})), "read");
  EXPECT_EQ(verdict<ClientMessage>(frame_of(Connect{1, 1, "gr\xfcn"})), "MALFORMED");
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(Failed{
                {}, {{task_named('a'), 1, Outcome::failed, "X", "\xed\xa0\x80", true, 0ms, {}}}})),
            "MALFORMED");
  EXPECT_EQ(verdict<WorkerMessage>(frame_of(Done{{}, {{task_named('a'), 1, "\xff\xfe", "", {}}}})),
            "read")
      << "a result is any bytes";
}

TEST(FrameLimitsTest, AnAttemptFailsOnlyByFailingRunningOutOfTimeOrBeingStopped) {
  for (std::size_t i = 0; i < kOutcomes + 1; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const bool allowed =
        outcome == Outcome::failed || outcome == Outcome::timed_out || outcome == Outcome::stopped;
    const Failed failed{SessionId{1}, {{task_named('a'), 1, outcome, "X", "", true, 0ms, {}}}};
    EXPECT_EQ(verdict<WorkerMessage>(frame_of(failed)), allowed ? "read" : "INVALID_ARGUMENT") << i;
  }
}

TEST(FrameLimitsTest, ProgressIsAPercentage) {
  const auto at = [](std::uint32_t percent) {
    return verdict<WorkerMessage>(frame_of(Progress{{}, {{task_named('a'), 1, percent, ""}}}));
  };
  EXPECT_EQ(at(0), "read");
  EXPECT_EQ(at(100), "read");
  EXPECT_EQ(at(101), "INVALID_ARGUMENT");
}

TEST(FrameLimitsTest, AListedStateIsAStateAndIsNamedInTheRefusal) {
  std::string frame;
  Writer(frame).array(9).uint(5).uint(1).str("pending").nil().nil().nil().nil().uint(10).nil();
  const auto refused = decode_client_message(frame, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
  EXPECT_EQ(refused.error().field, "state");
}

TEST(FrameLimitsTest, ACodeOfALaterReleaseReadsAsAnInternalError) {
  std::string frame;
  Writer(frame).array(6).uint(36).uint(1).uint(1999).str("later").nil().nil();
  const auto reply = decode_client_reply(frame);
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<Refused>(*reply).code, Errc::internal);
  EXPECT_EQ(std::get<Refused>(*reply).message, "later");
}

TEST(FrameLimitsTest, AnIdHas16Bytes) {
  const auto show = [](std::string_view bytes) {
    std::string frame;
    Writer(frame).array(3).uint(4).uint(1).bin(bytes);
    return verdict<ClientMessage>(frame);
  };
  EXPECT_EQ(show(id()), "read");
  EXPECT_EQ(show(id().substr(1)), "MALFORMED");
  EXPECT_EQ(show(id() + "a"), "MALFORMED");
  EXPECT_EQ(show(""), "MALFORMED");
}

}  // namespace
}  // namespace drover::wire::testing
