// Whole workers, each a process of its own, against a broker that the test plays by hand.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <set>

#include "common/transport/poller.hpp"
#include "common/transport/router_socket.hpp"
#include "common/wire/codec.hpp"
#include "workers/app/worker.hpp"

namespace drover::workers {
namespace {

TaskId task_named(char name) {
  TaskId id;
  id.bytes.fill(static_cast<std::uint8_t>(name));
  return id;
}

// The broker's side: one socket, one worker. A frame is kept until the next is heard.
class HandBroker {
 public:
  explicit HandBroker(const std::string& address) {
    auto bound = transport::RouterSocket::bind(context_, address, {});
    EXPECT_TRUE(bound) << bound.error().message;
    socket_.emplace(std::move(*bound));
  }

  std::string address() const { return socket_->address(); }

  // The next message, whatever it is.
  wire::WorkerMessage hear_any() {
    transport::Poller poller;
    poller.add(*socket_);
    in_ = socket_->receive();
    if (!in_) poller.wait(20s);
    if (!in_) in_ = socket_->receive();
    EXPECT_TRUE(in_) << "the worker is silent";
    if (!in_) return wire::Bye{};
    peer_ = in_->peer;
    auto message = wire::decode_worker_message(in_->frame.view(), {});
    EXPECT_TRUE(message);
    return *message;
  }

  // The next message of this kind; of others that the worker says meanwhile it is told, as brokers
  // do, that somebody is there.
  template <class Message>
  Message hear() {
    for (int passed_over = 0; passed_over < 100 && !::testing::Test::HasFailure(); ++passed_over) {
      auto message = hear_any();
      if (auto* wanted = std::get_if<Message>(&message)) return *wanted;
      if (session_ != SessionId{}) say(wire::Alive{session_});
    }
    ADD_FAILURE() << "the worker does not say it";
    return {};
  }

  // A hello, to which any other message leads: the broker knows nothing of its session.
  wire::Hello hear_hello_again() {
    while (!::testing::Test::HasFailure()) {
      auto message = hear_any();
      if (auto* hello = std::get_if<wire::Hello>(&message)) return *hello;
      say(wire::Who{SessionId{7}, Errc::session_unknown, ""});
    }
    return {};
  }

  void say(const wire::WorkerOrder& order) {
    std::string frame;
    wire::encode(order, frame);
    EXPECT_EQ(socket_->send(peer_, frame), transport::Sent::sent);
  }

  void welcome(std::uint64_t session, std::vector<wire::Verdict> drop = {}) {
    session_ = SessionId{session};
    wire::Welcome welcome;
    welcome.session = session_;
    welcome.heartbeat = 200ms;
    welcome.worker_timeout = 2s;
    welcome.message_max = 1024 * 1024;
    welcome.result_max = 256 * 1024;
    welcome.drop = std::move(drop);
    say(welcome);
  }

  void assign(char task, std::string_view type, std::string_view payload) {
    TaskSpec spec;
    spec.id = task_named(task);
    spec.type = type;
    spec.payload = payload;
    std::string array;
    wire::encode_task(spec, array);
    wire::Assign::Item item;
    item.attempt = 1;
    item.max_attempts = 5;
    item.timeout = 5min;
    item.tenant = item.queue = "default";
    item.task = array;
    say(wire::Assign{session_, {item}});
  }

  void confirm(char task) { say(wire::Confirm{session_, {{task_named(task), 1, Errc::ok}}}); }

 private:
  transport::Context context_;
  std::optional<transport::RouterSocket> socket_;
  std::optional<transport::RouterSocket::Incoming> in_;
  transport::PeerId peer_ = 0;
  SessionId session_{};
};

class WorkerProcess : public ::testing::Test {
 protected:
  WorkerProcess() { options.builtin = true; }
  ~WorkerProcess() override {
    if (worker > 0) kill(worker, SIGKILL), waitpid(worker, nullptr, 0);
  }

  // The worker is forked before this process has a socket, and learns the address over a pipe.
  void start() {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    worker = fork();
    if (worker == 0) {
      char address[128] = {};
      close(pipe_ends[1]);
      if (read(pipe_ends[0], address, sizeof address - 1) <= 0) _exit(1);
      options.connect = address;
      _exit(run_worker(options));
    }
    close(pipe_ends[0]);
    broker.emplace("tcp://127.0.0.1:*");
    const auto address = broker->address();
    EXPECT_EQ(write(pipe_ends[1], address.data(), address.size()),
              static_cast<ssize_t>(address.size()));
    close(pipe_ends[1]);
  }

  void start_and_welcome() {
    start();
    broker->hear<wire::Hello>();
    broker->welcome(7);
  }

  void tell(int signal) { kill(worker, signal); }

  int exit_code() {
    int status = 0;
    waitpid(std::exchange(worker, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  WorkerOptions options;
  std::optional<HandBroker> broker;
  pid_t worker = -1;
};

TEST_F(WorkerProcess, RunsATaskAndDrains) {
  options.slots = 3;
  options.prefetch = 2;
  options.labels = {{"zone", "a"}};
  start();
  const auto hello = broker->hear<wire::Hello>();
  EXPECT_EQ(hello.pid, static_cast<std::uint64_t>(worker));
  EXPECT_EQ(hello.slots, 3U);
  EXPECT_EQ(hello.window, 5U);
  EXPECT_EQ(hello.types,
            (std::vector<std::string_view>{"test.crash", "test.echo", "test.fail", "test.sleep"}));
  EXPECT_EQ(hello.labels, (wire::Pairs{{"zone", "a"}}));
  broker->welcome(7);
  broker->assign('a', "test.echo", "\"hello\"");
  const auto done = broker->hear<wire::Done>();
  EXPECT_EQ(done.session, SessionId{7});
  EXPECT_EQ(done.items.at(0).result, "\"hello\"");
  broker->confirm('a');

  tell(SIGTERM);
  while (!broker->hear<wire::Heartbeat>().draining && !HasFailure()) {
  }
  broker->hear<wire::Bye>();
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(WorkerProcess, LetsWhatRunsFinishWithinTheDrain) {
  start_and_welcome();
  broker->assign('a', "test.sleep", R"({"ms": 300})");
  broker->hear<wire::Progress>();
  tell(SIGTERM);
  EXPECT_EQ(broker->hear<wire::Done>().items.at(0).task, task_named('a'));
  broker->confirm('a');
  broker->hear<wire::Bye>();
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(WorkerProcess, GivesBackWhatDoesNotFinishWithinTheDrain) {
  options.drain_timeout = 100ms;
  start_and_welcome();
  broker->assign('a', "test.sleep", R"({"ms": 600000})");
  broker->assign('b', "test.sleep", R"({"ms": 600000})");
  while (broker->hear<wire::Heartbeat>().holds.size() < 2 && !HasFailure()) {
  }
  tell(SIGINT);
  std::size_t released = 0;
  while (released < 2 && !HasFailure()) {
    for (const auto& item : broker->hear<wire::Released>().items) {
      ++released;
      broker->say(wire::Confirm{SessionId{7}, {{item.task, item.attempt, Errc::ok}}});
    }
  }
  broker->hear<wire::Bye>();
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(WorkerProcess, HurriesAfterASecondSignal) {
  options.drain_timeout = 1h;
  start_and_welcome();
  broker->assign('a', "test.sleep", R"({"ms": 600000})");
  while (broker->hear<wire::Heartbeat>().holds.empty() && !HasFailure()) {
  }
  tell(SIGTERM);
  while (!broker->hear<wire::Heartbeat>().draining && !HasFailure()) {
  }
  tell(SIGTERM);
  EXPECT_EQ(broker->hear<wire::Released>().items.at(0).task, task_named('a'));
  broker->confirm('a');
  broker->hear<wire::Bye>();
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(WorkerProcess, CarriesItsWorkOverToABrokerThatWasStartedAgain) {
  options.slots = 2;
  start_and_welcome();
  broker->assign('a', "test.sleep", R"({"ms": 1500})");
  broker->assign('b', "test.echo", "1");
  broker->hear<wire::Done>();  // not confirmed
  const auto address = broker->address();
  broker.reset();
  broker.emplace(address);

  const auto hello = broker->hear_hello_again();
  EXPECT_EQ(hello.holds.size(), 2U);
  broker->welcome(8);
  std::set<TaskId> done;
  while (done.size() < 2 && !HasFailure()) {
    const auto message = broker->hear<wire::Done>();
    EXPECT_EQ(message.session, SessionId{8});
    for (const auto& item : message.items) done.insert(item.task);
  }
  EXPECT_EQ(done, (std::set<TaskId>{task_named('a'), task_named('b')}));
}

TEST_F(WorkerProcess, StopsACancelledAttempt) {
  start_and_welcome();
  broker->assign('a', "test.sleep", R"({"ms": 600000})");
  broker->say(wire::CancelAttempts{SessionId{7}, {{task_named('a'), 1, 5s}}});
  const auto failed = broker->hear<wire::Failed>();
  EXPECT_EQ(failed.items.at(0).outcome, Outcome::stopped);
}

TEST_F(WorkerProcess, RunsACommandAsAWorker) {
  options.command = CommandWorker{"text.upper", {"tr", "a-z", "A-Z"}};
  start_and_welcome();
  broker->assign('a', "text.upper", "hello");
  const auto done = broker->hear<wire::Done>();
  EXPECT_EQ(done.items.at(0).result, "HELLO");
  EXPECT_EQ(done.items.at(0).content_type, "text/plain; charset=utf-8");
}

TEST_F(WorkerProcess, IsKilledByTheCrashTask) {
  start_and_welcome();
  broker->assign('a', "test.crash", R"({"times": 1})");
  EXPECT_EQ(exit_code(), -SIGKILL);
}

TEST_F(WorkerProcess, LeavesABrokerThatWillNotHaveIt) {
  start();
  broker->hear<wire::Hello>();
  broker->say(wire::Who{SessionId{}, Errc::forbidden, "no key of ours"});
  EXPECT_EQ(exit_code(), 78);
}

TEST_F(WorkerProcess, DoesNotStartWithATypeThatItDoesNotHave) {
  options.types = {"no.such"};
  start();
  EXPECT_EQ(exit_code(), 78);
}

}  // namespace
}  // namespace drover::workers
