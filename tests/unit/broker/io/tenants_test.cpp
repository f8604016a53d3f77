// Two tenants, one broker: what a key reaches through the broker's whole turn, and what it is told
// of the rest. A hundred thousand random questions are held against sets that were written by hand.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "broker/io/turn.hpp"
#include "broker/store/memory_store.hpp"
#include "tests/unit/broker/io/io_session.hpp"

namespace drover::broker::testing {
namespace {

using Names = std::set<std::string>;  // of the form tenant/queue

const Names kAcme = {"acme/default", "acme/mail", "acme/bulk"};
const Names kZeta = {"zeta/default", "zeta/mail", "zeta/bulk"};
const Names kDefault = {"default/default", "default/mail", "default/bulk"};
const Names kAll = {"acme/default", "acme/mail",       "acme/bulk",    "zeta/default", "zeta/mail",
                    "zeta/bulk",    "default/default", "default/mail", "default/bulk"};

struct Key {
  Principal who;
  Names reaches;
};

const std::vector<Key> kKeys = {
    {{"root", Role::operator_, "", {}}, kAll},
    {{"acme-operator", Role::operator_, "acme", {}}, kAcme},
    {{"acme", Role::producer, "acme", {}}, kAcme},
    {{"zeta", Role::producer, "zeta", {}}, kZeta},
    {{"default", Role::producer, "default", {}}, kDefault},
    {{"acme-mail", Role::producer, "acme", {"mail"}}, {"acme/mail"}},
    {{"zeta-two", Role::producer, "zeta", {"default", "bulk"}}, {"zeta/default", "zeta/bulk"}},
    {{"acme-reader", Role::subscriber, "acme", {}}, kAcme},
    {{"zeta-mail-reader", Role::subscriber, "zeta", {"mail"}}, {"zeta/mail"}},
    {{"gateway", Role::service, "", {}}, kAll},
    {{"zeta-gateway", Role::service, "zeta", {}}, kZeta},
    {{"acme-worker", Role::worker, "acme", {}}, {}},
};

const Principal& key(const std::string& name) {
  for (const Key& k : kKeys) {
    if (k.who.name == name) return k.who;
  }
  throw std::invalid_argument(name);
}

// Keeps what was said to the only client and to the workers, in short.
class Ear : public Outlet {
 public:
  void send_to_client(Peer, std::string_view frame) override {
    const auto reply = wire::decode_client_reply(frame);
    ASSERT_TRUE(reply);
    if (const auto* r = std::get_if<wire::Refused>(&*reply)) {
      said = std::string(drover::name_of(r->code)) + " " + std::string(r->field);
      message = r->message;
    } else if (const auto* a = std::get_if<wire::Answer>(&*reply)) {
      said = drover::testing::spell_msgpack(a->body);
    } else if (const auto* c = std::get_if<wire::Connected>(&*reply)) {
      said = "connected to " + std::string(c->tenant);
    } else {
      said.clear();
      for (const auto& o : std::get<wire::Accepted>(*reply).replies.at(0).outcomes) {
        if (!said.empty()) said += ", ";
        said += o.code == Errc::ok
                    ? std::string(o.duplicate ? "duplicate" : "accepted")
                    : std::string(drover::name_of(o.code)) + " " + std::string(o.field);
      }
    }
  }
  bool send_to_worker(Peer, std::string_view frame) override {
    const auto order = wire::decode_worker_order(frame);
    if (const auto* w = std::get_if<wire::Welcome>(&*order)) session = w->session;
    if (const auto* w = std::get_if<wire::Who>(&*order)) {
      worker_said = std::string(drover::name_of(w->code)) + " " + std::string(w->message);
    }
    if (const auto* a = std::get_if<wire::Assign>(&*order)) {
      for (const auto& item : a->items) assigned.push_back(std::string(item.tenant));
    }
    return true;
  }
  void publish(std::string_view, std::string_view) override {}
  bool has_subscribers() const override { return false; }

  std::string said, message, worker_said;
  SessionId session{};
  std::vector<std::string> assigned;
};

class TenantsTest : public ::testing::Test {
 protected:
  TenantsTest() {
    TurnOptions options;
    options.core.scoped = true;
    turn.emplace(options, store, ear, 1);
    EXPECT_TRUE(turn->start(now));
    for (const auto& name : kAll) {
      tasks[name] = make_task_id(now, tenant_of(name), ids);
      EXPECT_EQ(submit(key("root"), tasks[name], tenant_of(name), queue_of(name)), "accepted");
    }
  }

  static std::string tenant_of(const std::string& name) { return name.substr(0, name.find('/')); }
  static std::string queue_of(const std::string& name) { return name.substr(name.find('/') + 1); }

  std::string ask(const Principal& who, const wire::ClientMessage& message) {
    std::string frame;
    wire::encode(message, frame);
    ear.said = "nothing";
    turn->begin(now);
    turn->on_client_frame(Peer{1}, who, frame);
    turn->finish();
    if (ear.said == "nothing") {  // it waits for a read
      turn->begin(now);
      turn->finish();
    }
    return ear.said;
  }
  void work(Peer peer, const Principal& who, const wire::WorkerMessage& message) {
    std::string frame;
    wire::encode(message, frame);
    ear.worker_said = "nothing";
    turn->begin(now);
    turn->on_worker_frame(peer, who, frame);
    turn->finish();
  }
  SessionId hello(Peer peer, const Principal& who, char name) {
    wire::Hello m;
    m.worker = worker_named(name);
    m.types = {"work"};
    m.slots = m.window = 100;
    ear.session = {};
    work(peer, who, m);
    return ear.session;
  }

  // Tasks of one batch; they are far from due, so that nothing happens to them by itself.
  std::string encoded(const TaskId& id, std::string_view tenant, std::string_view queue,
                      Duration delay = 24h) const {
    TaskSpec spec;
    spec.id = id;
    spec.type = "work";
    spec.payload = "{}";
    spec.tenant = tenant;
    spec.queue = queue;
    spec.delay = delay;
    std::string bytes;
    wire::encode_task(spec, bytes);
    return bytes;
  }
  std::string submit(const Principal& who, const TaskId& id, std::string_view tenant,
                     std::string_view queue, Duration delay = 24h) {
    const auto bytes = encoded(id, tenant, queue, delay);
    return ask(who, wire::Submit{1, {{{}, bytes, {}}}});
  }
  TaskId new_id(std::string_view tenant) { return make_task_id(now, tenant, ids); }

  Instant now = kThen;
  Random ids{7};
  MemoryStore store;
  Ear ear;
  std::optional<Turn> turn;
  std::map<std::string, TaskId> tasks;  // by tenant/queue
};

// --- sessions

TEST_F(TenantsTest, OneTaskOfAnotherTenantIsRefusedAndTheBatchGoesOn) {
  const std::string batch[] = {
      encoded(new_id("acme"), "acme", ""), encoded(new_id("zeta"), "zeta", ""),
      encoded(new_id("default"), "", ""), encoded(new_id("acme"), "acme", "mail")};
  wire::Submit m{1, {}};
  for (const auto& bytes : batch) m.tasks.push_back({{}, bytes, {}});
  EXPECT_EQ(ask(key("acme"), m), "accepted, FORBIDDEN tenant, FORBIDDEN tenant, accepted");
  EXPECT_EQ(turn->figures().forbidden, 2u);
}

TEST_F(TenantsTest, AnothersTaskIsAnsweredWordForWordAsOneThatNeverWas) {
  const auto theirs = tasks["zeta/mail"];
  const auto nobodys = new_id("zeta");
  const auto both = [&](const auto& question) {
    const auto one = ask(key("acme"), question(theirs)) + ear.message;
    const auto other = ask(key("acme"), question(nobodys)) + ear.message;
    const auto spelled = to_string(theirs);
    auto same = one;
    for (auto at = same.find(spelled); at != std::string::npos; at = same.find(spelled)) {
      same.replace(at, spelled.size(), to_string(nobodys));
    }
    EXPECT_EQ(same, other);
    return one.find("NOT_FOUND") != std::string::npos;
  };
  EXPECT_TRUE(both([](const TaskId& id) { return wire::Show{1, id}; }));
  EXPECT_TRUE(both([](const TaskId& id) { return wire::Wait{1, id, 1ms}; }));
  EXPECT_TRUE(both([](const TaskId& id) { return wire::Cancel{1, {id}}; }));
  EXPECT_TRUE(both([](const TaskId& id) { return wire::Retry{1, {id}}; }));
  EXPECT_NE(ask(key("zeta"), wire::Show{1, theirs}).find("\"state\": \"scheduled\""),
            std::string::npos)
      << "and nothing has become of it";
}

TEST_F(TenantsTest, OneOfSeveralIsCancelledThoughTheOtherIsAnothers) {
  const auto said = ask(key("acme"), wire::Cancel{1, {tasks["zeta/mail"], tasks["acme/mail"]}});
  EXPECT_NE(said.find("NOT_FOUND"), std::string::npos);
  EXPECT_NE(said.find("\"state\": \"cancelled\""), std::string::npos);
}

TEST_F(TenantsTest, AKeyOfOneQueueLearnsNothingByRepeatingTheIdOfAnotherQueuesTask) {
  const auto& mail = key("acme-mail");
  EXPECT_EQ(submit(mail, tasks["acme/mail"], "acme", "mail"), "duplicate");
  EXPECT_EQ(submit(mail, tasks["acme/bulk"], "acme", "mail"), "CONFLICT id");
  EXPECT_EQ(submit(mail, new_id("acme"), "acme", "bulk"), "FORBIDDEN queue");
}

TEST_F(TenantsTest, AnIdempotencyKeyOfAnotherQueueIsAConflict) {
  const auto keyed = [&](std::string_view queue) {
    TaskSpec spec;
    spec.id = new_id("acme");
    spec.type = "work";
    spec.tenant = "acme";
    spec.queue = queue;
    spec.idempotency_key = "order-7";
    std::string bytes;
    wire::encode_task(spec, bytes);
    return ask(key(queue == "mail" ? "acme-mail" : "acme"), wire::Submit{1, {{{}, bytes, {}}}});
  };
  EXPECT_EQ(keyed("bulk"), "accepted");
  EXPECT_EQ(keyed("mail"), "IDEMPOTENCY_CONFLICT idempotency_key");
  EXPECT_EQ(keyed("bulk"), "duplicate");
}

TEST_F(TenantsTest, TheGreetingTellsAKeyItsTenant) {
  EXPECT_EQ(ask(key("acme"), wire::Connect{1, 1, "t"}), "connected to acme");
  EXPECT_EQ(ask(key("root"), wire::Connect{1, 1, "t"}), "connected to ");
}

TEST_F(TenantsTest, APageOfEventsHoldsOnesOwnAndSaysHowFarItReached) {
  const auto said = ask(key("acme"), wire::Events{1, std::nullopt, 0, "", 1000});
  EXPECT_EQ(said.find("zeta"), std::string::npos);
  EXPECT_NE(said.find("\"reached\": 9"), std::string::npos) << said;
  EXPECT_EQ(ask(key("acme"), wire::Events{1, std::nullopt, 0, "zeta/", 1000}), "FORBIDDEN prefix");
}

TEST_F(TenantsTest, WhoHasNothingNewIsToldHowFarTheLogGoesWithoutReadingIt) {
  const auto idle = [&](std::uint64_t since) {
    const auto said = ask(key("acme"), wire::Events{1, std::nullopt, since, "", 1});
    const auto at = said.find("\"reached\": ");
    return said.substr(0, 15) + said.substr(at, said.find(',', at) - at);
  };
  for (int i = 0; i < 20; ++i) submit(key("zeta"), new_id("zeta"), "zeta", "mail");
  EXPECT_EQ(idle(9), "{\"events\": [], \"reached\": 29") << "though it asked for one event only";
  EXPECT_EQ(idle(29), "{\"events\": [], \"reached\": null");
  submit(key("acme"), new_id("acme"), "acme", "mail");
  EXPECT_EQ(idle(9), "{\"events\": [], \"reached\": 10") << "one that may be its own";
  EXPECT_NE(ask(key("acme"), wire::Events{1, std::nullopt, 29, "", 1}).find("\"seq\": 30"),
            std::string::npos);
}

TEST_F(TenantsTest, WorkersAreListedToWhoeverTheyWorkFor) {
  hello(Peer{5}, key("acme-worker"), 'w');
  EXPECT_EQ(ask(key("zeta-gateway"), wire::Workers{1}), "[]");
  EXPECT_NE(ask(key("acme-operator"), wire::Workers{1}).find("\"tenant\": \"acme\""),
            std::string::npos);
  EXPECT_NE(ask(key("gateway"), wire::Workers{1}).find("\"tenant\": \"acme\""), std::string::npos);
}

TEST_F(TenantsTest, AKeyOfATenantIsNotToldTheTotalsOfAll) {
  const auto own = ask(key("acme"), wire::Stats{1});
  EXPECT_NE(own.find("\"seq\": 9"), std::string::npos) << "a follower needs to know where it is";
  EXPECT_EQ(own.find("waiting"), std::string::npos);
  EXPECT_NE(ask(key("gateway"), wire::Stats{1}).find("\"waiting\": 9"), std::string::npos);
}

// --- workers

TEST_F(TenantsTest, WhoIsNoWorkerIsTurnedAwayAtTheWorkersSocket) {
  for (const auto& name : {"acme", "acme-reader", "gateway"}) {
    EXPECT_EQ(hello(Peer{5}, key(name), 'w'), SessionId{}) << name;
    EXPECT_TRUE(ear.worker_said.starts_with("FORBIDDEN")) << name;
  }
  EXPECT_NE(hello(Peer{5}, key("acme-worker"), 'w'), SessionId{});
}

TEST_F(TenantsTest, ACopiedSessionIsUnknownUnderAnotherKey) {
  const auto session = hello(Peer{5}, key("acme-worker"), 'w');
  submit(key("acme"), new_id("acme"), "acme", "mail", 0ms);
  ASSERT_EQ(ear.assigned, std::vector<std::string>{"acme"});
  const Principal thief = {"zeta-worker", Role::worker, "zeta", {}};
  const auto before = store.appended();
  const auto forbidden = turn->figures().forbidden;
  const wire::Hold hold{};
  const wire::WorkerMessage all[] = {wire::Heartbeat{session, false, {hold}},
                                     wire::Done{session, {{}}},
                                     wire::Failed{session, {{}}},
                                     wire::Released{session, {hold}},
                                     wire::Progress{session, {{}}},
                                     wire::Bye{session}};
  work(Peer{6}, thief, wire::Bye{SessionId{4711}});
  const auto unknown = ear.worker_said;
  for (const auto& message : all) {
    work(Peer{6}, thief, message);
    EXPECT_EQ(ear.worker_said, unknown) << "as if there were none of that number";
    work(Peer{5}, thief, message);
    EXPECT_EQ(ear.worker_said, unknown) << "from its own connection, too";
  }
  EXPECT_TRUE(unknown.starts_with("SESSION_UNKNOWN"));
  EXPECT_EQ(store.appended(), before) << "nothing was decided";
  EXPECT_EQ(turn->figures().forbidden, forbidden + 2 * std::size(all));
  work(Peer{5}, key("acme-worker"), wire::Heartbeat{session, false, {}});
  EXPECT_EQ(ear.worker_said, "nothing") << "the session goes on for its owner";
}

TEST_F(TenantsTest, AKeyThatIsForAnotherTenantNowMakesItsWorkerSayHelloAgain) {
  const auto session = hello(Peer{5}, key("acme-worker"), 'w');
  const Principal moved = {"acme-worker", Role::worker, "zeta", {}};
  work(Peer{5}, moved, wire::Heartbeat{session, false, {}});
  EXPECT_TRUE(ear.worker_said.starts_with("SESSION_UNKNOWN"));
  EXPECT_NE(hello(Peer{5}, moved, 'w'), SessionId{}) << "the id is still its own";
  submit(key("acme"), new_id("acme"), "acme", "mail", 0ms);
  submit(key("zeta"), new_id("zeta"), "zeta", "mail", 0ms);
  EXPECT_EQ(ear.assigned, std::vector<std::string>{"zeta"});
}

TEST_F(TenantsTest, AWorkerOfATenantIsNeverGivenAnothersTask) {
  hello(Peer{5}, key("acme-worker"), 'w');
  for (int i = 0; i < 10; ++i) {
    submit(key("zeta"), new_id("zeta"), "zeta", "mail", 0ms);
    submit(key("acme"), new_id("acme"), "acme", "mail", 0ms);
  }
  EXPECT_EQ(ear.assigned, std::vector<std::string>(10, "acme"));
}

// --- anything at all

// What a page, a list or the books name: every "tenant" with the "queue" beside it.
Names names_in(const std::string& text) {
  Names names;
  const auto value_after = [&](std::string_view name, std::size_t from) {
    const auto at = text.find(name, from) + name.size();
    return text.substr(at, text.find('"', at) - at);
  };
  for (std::size_t at = 0; (at = text.find("\"tenant\": \"", at)) != std::string::npos; ++at) {
    // Queues have the queue before the tenant, tasks and events behind it.
    const auto begin = text.rfind('{', at);
    const bool before = text.substr(begin, 10) == "{\"queue\": ";
    names.insert(value_after("\"tenant\": \"", at) + "/" +
                 value_after("\"queue\": \"", before ? begin : at));
  }
  return names;
}

struct Verbs {
  std::string name;
  std::string roles;  // of those who may, by their first letters; services are E
};

const std::vector<Verbs> kVerbs = {{"show", "PSEO"},         {"wait", "PSEO"},  {"cancel", "PO"},
                                   {"retry", "PO"},          {"submit", "PO"},  {"list", "PSEO"},
                                   {"queues", "PSEO"},       {"books", "PSEO"}, {"events", "PSEO"},
                                   {"dead_letters", "PSEO"}, {"ping", "PWSEO"}, {"workers", "EO"}};

class AnythingTest : public TenantsTest {
 protected:
  struct Case {
    const Key& key;
    std::string verb, name, tenant, queue;
  };

  std::string actual(const Case& c) {
    const Principal& who = c.key.who;
    const TaskId id = tasks.at(c.name);
    if (c.verb == "show") return ask(who, wire::Show{1, id});
    if (c.verb == "wait") return ask(who, wire::Wait{1, id, 0ms});
    if (c.verb == "cancel") return ask(who, wire::Cancel{1, {id}});
    if (c.verb == "retry") return ask(who, wire::Retry{1, {id}});
    if (c.verb == "submit") {
      return submit(who, new_id(c.tenant.empty() ? "default" : c.tenant), c.tenant, c.queue);
    }
    if (c.verb == "list") {
      wire::List m;
      m.tenant = c.tenant;
      m.queue = c.queue;
      m.limit = 9;  // the first nine of all are one of each
      return ask(who, m);
    }
    if (c.verb == "queues") return ask(who, wire::Queues{1});
    if (c.verb == "books") return ask(who, wire::Books{1});
    if (c.verb == "events") {
      const std::string prefix = c.tenant.empty() ? "" : c.tenant + "/";
      return ask(who, wire::Events{1, std::nullopt, 0, prefix, 9});
    }
    if (c.verb == "dead_letters") return ask(who, wire::DeadLetters{1, c.queue, "", 10, {}});
    if (c.verb == "workers") return ask(who, wire::Workers{1});
    return ask(who, wire::Ping{1});
  }

  // In few words, so that it can be compared.
  std::string in_short(const Case& c, const std::string& said) {
    if (said.starts_with("FORBIDDEN")) return said;
    if (c.verb == "list" || c.verb == "queues" || c.verb == "books" || c.verb == "events") {
      std::string text;
      for (const auto& name : names_in(said)) text += name + " ";
      return text;
    }
    if (said.find("NOT_FOUND") != std::string::npos) return "NOT_FOUND";
    if (c.verb == "submit") return said;
    return "answered";
  }

  // The rules, once more.
  static std::string expected(const Case& c) {
    static const std::map<Role, char> letter = {{Role::producer, 'P'},
                                                {Role::worker, 'W'},
                                                {Role::subscriber, 'S'},
                                                {Role::service, 'E'},
                                                {Role::operator_, 'O'}};
    const Names& mine = c.key.reaches;
    const auto verb = std::find_if(kVerbs.begin(), kVerbs.end(),
                                   [&](const auto& each) { return each.name == c.verb; });
    if (verb->roles.find(letter.at(c.key.who.role)) == std::string::npos) return "FORBIDDEN ";
    const auto has = [&](auto fits) { return std::any_of(mine.begin(), mine.end(), fits); };
    const bool my_tenant = has([&](const auto& n) { return tenant_of(n) == c.tenant; });
    const bool my_queue = has([&](const auto& n) { return queue_of(n) == c.queue; });
    const auto those = [&](bool by_tenant, bool by_queue) {
      std::string text;
      for (const auto& n : mine) {
        if (by_tenant && !c.tenant.empty() && tenant_of(n) != c.tenant) continue;
        if (by_queue && !c.queue.empty() && queue_of(n) != c.queue) continue;
        text += n + " ";
      }
      return text;
    };
    if (c.verb == "show" || c.verb == "wait" || c.verb == "cancel" || c.verb == "retry") {
      return mine.contains(c.name) ? "answered" : "NOT_FOUND";
    }
    if (c.verb == "submit") {
      const std::string tenant = c.tenant.empty() ? "default" : c.tenant;
      const std::string queue = c.queue.empty() ? "default" : c.queue;
      if (!has([&](const auto& n) { return tenant_of(n) == tenant; })) return "FORBIDDEN tenant";
      return mine.contains(tenant + "/" + queue) ? "accepted" : "FORBIDDEN queue";
    }
    if (c.verb == "list") {
      if (!c.tenant.empty() && !my_tenant) return "FORBIDDEN tenant";
      if (!c.queue.empty() && !my_queue) return "FORBIDDEN queue";
      return those(true, true);
    }
    if (c.verb == "dead_letters") {
      return !c.queue.empty() && !my_queue ? "FORBIDDEN queue" : "answered";
    }
    if (c.verb == "queues" || c.verb == "books") return those(false, false);
    if (c.verb == "events") {
      if (!c.tenant.empty() && !my_tenant) return "FORBIDDEN prefix";
      return those(true, false);
    }
    return "answered";
  }
};

TEST_F(AnythingTest, AHundredThousandQuestionsAreAnsweredByTheRules) {
  Random random(20);
  const auto one_of = [&](const auto& list) { return list[random.below(list.size())]; };
  const std::vector<std::string> names(kAll.begin(), kAll.end());
  const std::vector<std::string> tenants = {"", "acme", "zeta", "default"};
  const std::vector<std::string> queues = {"", "default", "mail", "bulk"};
  std::size_t differences = 0, refused = 0;
  for (int i = 0; i < 100'000 && differences < 5; ++i) {
    const Key& k = kKeys[random.below(kKeys.size())];
    const Case c{k, one_of(kVerbs).name, one_of(names), one_of(tenants), one_of(queues)};
    const auto said = in_short(c, actual(c));
    if (said.starts_with("FORBIDDEN") || said == "NOT_FOUND") ++refused;
    if (said == expected(c)) continue;
    ++differences;
    ADD_FAILURE() << c.key.who.name << " " << c.verb << " of " << c.name << ", tenant '" << c.tenant
                  << "', queue '" << c.queue << "': " << said << ", not " << expected(c);
  }
  EXPECT_EQ(differences, 0u);
  EXPECT_GT(refused, 20'000u);
  EXPECT_LT(refused, 80'000u);
}

}  // namespace
}  // namespace drover::broker::testing
