// The lives behind the golden stores.

#include "tests/contract/golden/stories.hpp"

#include "tests/contract/golden/story.hpp"

namespace drover::golden {
namespace {

void label(TaskSpec& s) {
  s.user_id = "user-7";
  s.agent_id = "agent-1";
  s.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
}

// A task in each state, of three queues and two tenants.
void one_of_each(Story& story, const Hand& hand) {
  const auto completes = story.submit([](TaskSpec& s) {
    label(s);
    s.idempotency_key = "invoice-17";
  });
  story.complete(hand, completes, R"({"y":1})");
  story.submit([](TaskSpec& s) { s.timeout = 1h; });  // runs
  const auto retries = story.submit([](TaskSpec& s) {
    s.backoff = Backoff{.kind = BackoffKind::fixed, .base = 1h, .max = 1h, .jitter = false};
  });
  story.fail(hand, retries, "UPSTREAM_DOWN");
  story.submit([](TaskSpec& s) { s.delay = 2h, s.queue = "nightly", s.priority = Priority::low; });
  story.submit([](TaskSpec& s) {
    s.type = "video.cut";
    s.queue = "media";
    s.priority = Priority::critical;
    s.required_capabilities = {"gpu"};
    s.required_labels = {{"zone", "a"}};
    s.metadata = {{"origin", "golden"}};
  });
  const auto cancelled = story.submit([](TaskSpec& s) { s.delay = 1h; });
  story.say(wire::Cancel{3, {cancelled}});
  story.submit([](TaskSpec& s) { s.type = "nobody.runs.it", s.ttl = 1s; });
  story.pass(2s);  // and the last one expires
}

void dead_ones(Story& story, const Hand& hand) {
  const auto spent = story.submit([](TaskSpec& s) { s.max_attempts = 3, label(s); });
  for (int i = 0; i < 3; ++i) {
    story.fail(hand, spent, "TIMED_OUT", true, Outcome::timed_out);
    story.pass(10ms);
  }
  const auto fatal = story.submit([](TaskSpec& s) { s.queue = "emails"; });
  story.fail(hand, fatal, "BAD_PAYLOAD", false);
  const auto again = story.submit();
  story.fail(hand, again, "BAD_PAYLOAD", false);
  story.say(wire::Retry{2, {again}});
  story.fail(hand, again, "BAD_PAYLOAD", false);
}

StoryOptions options(std::uint64_t seed) {
  StoryOptions o;
  o.seed = seed;
  o.turn.core.policy.backoff = {.base = 0ms, .max = 0ms};
  o.turn.core.dlq_ttl = 10min;
  o.turn.core.poison_after = 1;
  return o;
}

test::SimDisk clean() {
  Story story(options(11));
  one_of_each(story, story.hello('h'));
  story.stop();
  return story.disk();
}

test::SimDisk torn() {
  Story story(options(12));
  one_of_each(story, story.hello('h'));
  story.tear();
  return story.disk();
}

test::SimDisk dead_letters() {
  Story story(options(13));
  dead_ones(story, story.hello('h'));
  story.hello('p', {"crash"}, 1);
  story.submit([](TaskSpec& s) { s.type = "crash"; });
  story.pass(16s);  // both workers fall silent; what ran is poison
  story.stop();
  return story.disk();
}

// Many that come and go, until the oldest segment is cleaned and used again.
void fill(Story& story) {
  const std::string filler(400, 'f');
  for (int i = 0; i < 28; ++i) {
    const auto task = story.submit([&](TaskSpec& s) {
      s.payload = filler;
      s.content_type = "text/plain";
      s.type = "filler";
      s.result_ttl = 0ms;
    });
    story.say(wire::Cancel{5, {task}});
    story.pass(1ms);
  }
}

// Long enough that what counts was carried out of the oldest segment: tasks, the books, and a key
// that outlives its task. Then everything that can happen happens.
test::SimDisk every_record() {
  auto o = options(14);
  o.segment_bytes = 6 * 1024;
  Story story(o);
  auto hand = story.hello('e', {"work"}, 100);
  story.submit([](TaskSpec& s) { s.delay = 24h; });
  const auto short_lived = story.submit([](TaskSpec& s) {
    s.result_ttl = 1s;
    s.idempotency_key = "outlives-its-task";
  });
  story.complete(hand, short_lived, "1");
  story.pass(2s);  // its result is forgotten
  fill(story);
  one_of_each(story, hand);
  dead_ones(story, hand);
  const auto stops = story.submit();
  story.say(wire::Cancel{4, {stops}});
  story.fail(hand, stops, "STOPPED", false, Outcome::stopped);
  hand = story.hello('h', {"work"}, 100);
  const auto returns = story.submit([](TaskSpec& s) { s.max_attempts = 7; });
  story.say(hand, wire::Released{hand.session, {{returns, 1}}});
  story.say(hand, wire::Heartbeat{hand.session, true, {}});
  story.say(hand, wire::Bye{hand.session});
  story.pass(11min);  // the dead are purged
  story.stop();
  return story.disk();
}

// What operators set: changed, carried out of the oldest segment, and changed again.
test::SimDisk settings() {
  auto o = options(15);
  o.segment_bytes = 6 * 1024;
  Story story(o);
  story.hello('s', {"work"}, 100);
  story.say(wire::Set{1, "queue", "", "emails", {{"rate", "100/1m"}, {"limit", "1000"}}});
  story.say(wire::Set{2, "tenant", "acme", "", {{"weight", "3"}}});
  story.say(wire::Set{3, "key", "", "model", {{"concurrency", "4"}}});
  fill(story);
  story.say(wire::Set{10, "queue", "", "emails", {{"limit", "2000"}, {"rate", ""}}});
  story.say(wire::Set{11, "tenant", "acme", "", {{"concurrency", "5"}}});
  story.say(wire::Set{12, "key", "", "model", {{"rate", "100000/1m"}}});
  story.say(wire::Set{4, "queue", "", "emails", {{"closed", "yes"}}});
  story.say(wire::Set{5, "queue", "", "reviews", {{"closed", "yes"}}});
  story.say(wire::Set{6, "queue", "", "reviews", {{"closed", ""}}});
  story.say(wire::Set{7, "key", "", "deploys", {{"closed", "yes"}}});
  story.say(wire::Set{8, "key", "", "model", {{"closed", "yes"}}});
  story.say(wire::Set{9, "key", "", "model", {{"closed", "no"}}});
  story.submit([](TaskSpec& s) { s.queue = "emails"; });
  story.submit([](TaskSpec& s) { s.gate = "deploys"; });
  for (int i = 0; i < 2; ++i) {
    story.submit([](TaskSpec& s) {
      s.concurrency_key = "customer/7", s.rate_key = "model", s.rate_cost = 1200;
    });
  }
  story.stop();
  return story.disk();
}

}  // namespace

std::map<std::string, test::SimDisk> tell_stories() {
  return {{"clean", clean()},
          {"torn", torn()},
          {"every-record", every_record()},
          {"dead-letters", dead_letters()},
          {"settings", settings()}};
}

}  // namespace drover::golden
