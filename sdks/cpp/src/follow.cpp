#include "drover/follow.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/transport/connection_watch.hpp"
#include "common/transport/sub_socket.hpp"
#include "drover/body.hpp"
#include "sdks/cpp/src/client_impl.hpp"

namespace drover {
namespace {

using nlohmann::json;

constexpr int kEventsPerRound = 1000;
constexpr int kEventsKept = 100'000;  // that the socket holds for us before it drops

// The part of the log that is kept.
struct LogBounds {
  StoreId store;
  std::uint64_t oldest = 1;
  std::uint64_t newest = 0;
};

Result<LogBounds> bounds_of(Client& client) {
  const auto stats = client.stats();
  if (!stats) return stats.error();
  const auto store = parse_uuid(stats->value("store", std::string()));
  if (!store) return Error{Errc::malformed, "the broker's figures name no store"};
  LogBounds bounds;
  bounds.store = StoreId{*store};
  bounds.oldest = std::max<std::uint64_t>(1, stats->value("oldest_seq", std::uint64_t{1}));
  bounds.newest = stats->value("seq", std::uint64_t{0});
  return bounds;
}

}  // namespace

json to_json(const BusEvent& event) {
  auto converted = body_to_json(event.bytes);
  if (!converted) return json::object();
  if (event.seq != 0) (*converted)["cursor"] = to_string(Cursor{event.store, event.seq});
  return std::move(*converted);
}

struct Follower::Impl {
  Impl(Client::Impl& c, transport::SubSocket&& s, transport::ConnectionWatch&& w)
      : client(c), bus(std::move(s)), watch(std::move(w)) {
    client.listen_to(&bus);
  }
  ~Impl() { client.listen_to(nullptr); }

  void listen() {
    watch.take_connected();
    for (int i = 0; i < kEventsPerRound; ++i) {
      const auto told = bus.receive();
      if (!told) return;
      core->heard(told->event.view(), client.now());
    }
  }

  void ask() {
    if (asked) {
      if (!client.completed.contains(*asked)) return;
      auto answer = client.answer(*std::exchange(asked, std::nullopt));
      core->answered(answer, client.now());
    }
    if (const auto question = core->next_question(client.now())) {
      asked = client.core.start(message_of(*question), client.now(), client.options.timeout);
    }
  }

  static wire::ClientMessage message_of(const FollowCore::Question& question) {
    if (question.kind == FollowCore::Question::Kind::books) return wire::Books{};
    return wire::Events{0, question.since.store, question.since.seq, question.prefix,
                        question.limit};
  }

  // The time of the event, ours or not; nothing if it has not happened.
  Result<std::optional<Instant>> time_of(const StoreId& store, std::uint64_t seq) {
    const auto body = client.ask(wire::Events{0, store, seq - 1, "", 1});
    if (!body) return body.error();
    const auto page = read_events_page(*body);
    if (!page) return page.error();
    if (page->reached_at || page->events.empty()) return page->reached_at;
    return std::optional(page->events.front().at);  // a broker of an earlier release
  }

  // The place before the first event at or after `at`: their times rise with their numbers.
  Result<Cursor> place_of(const LogBounds& bounds, Instant at) {
    std::uint64_t low = bounds.oldest, high = bounds.newest + 1;
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      const auto time = time_of(bounds.store, middle);
      if (!time && time.error().code != Errc::events_trimmed) return time.error();
      const bool earlier = !time || (*time && **time < at);
      if (earlier) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return Cursor{bounds.store, low - 1};
  }

  Client::Impl& client;
  transport::SubSocket bus;
  transport::ConnectionWatch watch;  // goes before the bus
  std::optional<FollowCore> core;
  std::optional<std::uint64_t> asked;
};

Follower::Follower(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Follower::Follower(Follower&&) noexcept = default;
Follower& Follower::operator=(Follower&&) noexcept = default;
Follower::~Follower() = default;

Result<Follower> Follower::start(Client& client, const Since& since) {
  const auto broker = client.connect();
  if (!broker) return broker.error();
  transport::SocketOptions options;
  options.receive_max = kEventsKept;
  options.curve = client.impl_->curve;
  auto bus = transport::SubSocket::connect(
      client.impl_->context, reached_through(client.options().url, broker->status), options);
  if (!bus) return bus.error();
  FollowCore::Options follow;
  if (!broker->tenant.empty()) follow.prefix = broker->tenant + "/";
  if (auto heard = bus->subscribe(follow.prefix); !heard) return heard.error();
  if (!follow.prefix.empty()) {
    if (auto heard = bus->subscribe("_system/bus/tick"); !heard) return heard.error();
  }
  auto watch =
      transport::ConnectionWatch::of(client.impl_->context, *bus, client.impl_->random.next());
  if (!watch) return watch.error();
  auto impl = std::make_unique<Impl>(*client.impl_, std::move(*bus), std::move(*watch));

  Cursor start;
  if (const auto* cursor = std::get_if<Cursor>(&since.value)) {
    start = *cursor;
  } else {
    const auto bounds = bounds_of(client);
    if (!bounds) return bounds.error();
    start = {bounds->store, bounds->newest};
    if (std::holds_alternative<Since::Beginning>(since.value)) start.seq = bounds->oldest - 1;
    if (const auto* at = std::get_if<Instant>(&since.value)) {
      const auto place = impl->place_of(*bounds, *at);
      if (!place) return place.error();
      start = *place;
    }
  }
  impl->core.emplace(start, client.impl_->now(), follow);
  return Follower(std::move(impl));
}

Result<std::optional<Followed>> Follower::next(Duration timeout) {
  auto& client = impl_->client;
  const auto until = client.now() + timeout;
  while (true) {
    impl_->listen();
    impl_->ask();
    if (auto followed = impl_->core->next()) return std::optional(std::move(*followed));
    if (client.now() >= until) return std::optional<Followed>();
    if (!client.pump(std::min(until, impl_->core->wake_at()))) return Client::Impl::stopped();
  }
}

const Cursor& Follower::cursor() const { return impl_->core->cursor(); }
const std::optional<Error>& Follower::trouble() const { return impl_->core->trouble(); }

}  // namespace drover
