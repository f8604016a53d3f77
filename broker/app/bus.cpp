#include "broker/app/bus.hpp"

#include <pthread.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "common/transport/clock.hpp"
#include "common/transport/poller.hpp"

namespace drover::broker {
namespace {

constexpr std::size_t kWaitingMax = 32 * 1024 * 1024;  // bytes
constexpr std::size_t kKeptMax = 1024 * 1024;          // bytes of memory kept for what is told next
constexpr Duration kLookEvery = 1s;                    // for subscribers that have gone
constexpr Duration kPartEvery = 10ms;                  // while one is about to

void append(std::string& to, std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  to.append(reinterpret_cast<const char*>(&size), sizeof size);
  to += bytes;
}

std::string_view take(std::string_view& from) {
  std::uint32_t size = 0;
  std::memcpy(&size, from.data(), sizeof size);
  const auto taken = from.substr(sizeof size, size);
  from.remove_prefix(sizeof size + size);
  return taken;
}

std::int64_t steady_ms() {
  return std::chrono::steady_clock::now().time_since_epoch() / Duration(1);
}

}  // namespace

Bus::Bus(transport::XpubSocket socket, Admits admits)
    : socket_(std::move(socket)), address_(socket_.address()), admits_(std::move(admits)) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "bus");
}

Bus::~Bus() {
  tell([this] { told_.stop = true; });
  thread_.join();
}

template <class Say>
void Bus::tell(const Say& say) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_woken = !told_.events.empty() || !told_.cuts.empty();
    say();
    if (is_woken) return;
  }
  waker_.wake();
}

void Bus::publish(std::string_view topic, std::string_view event) {
  tell([&] {
    if (told_.events.size() > kWaitingMax) {
      ++untold_;
      return;
    }
    append(told_.events, topic);
    append(told_.events, event);
  });
}

void Bus::set_admits(Admits admits) {
  const std::lock_guard lock(mutex_);
  admits_ = std::move(admits);
}

void Bus::cut(Goes goes) {
  tell([&] { told_.cuts.push_back(std::move(goes)); });
}

void Bus::each_heard(const std::function<void(const transport::Connection&)>& tell) {
  decltype(heard_) heard;
  {
    const std::lock_guard lock(mutex_);
    heard.swap(heard_);
  }
  for (const auto& [descriptor, connection] : heard) tell(connection);
}

Duration Bus::behind() {
  const auto asked_at = asked_at_.load();
  if (asked_at != 0) return Duration(steady_ms() - asked_at);
  asked_at_ = steady_ms();
  waker_.wake();
  return 0ms;
}

// --- on the bus's thread

void Bus::run() {
  transport::Poller poller;
  const auto requests = poller.add(socket_);
  const auto departures = poller.add(socket_.departures());
  poller.add(waker_.fd());
  const transport::ProcessClock clock;
  Instant look_at{};
  bool all_taken = true;
  while (!news_.stop) {
    const bool parting = socket_.is_parting();
    poller.wait(!all_taken ? 0ms : parting ? kPartEvery : kLookEvery);
    if (!all_taken || parting || poller.ready(requests) || poller.ready(departures) ||
        clock.now() >= look_at) {
      all_taken = take_subscriptions();
      look_at = clock.now() + kLookEvery;
    }
    take_news();
    for (const auto& goes : news_.cuts) socket_.cut_all(goes);
    send(news_.events);
    if (all_taken) asked_at_ = 0;
  }
}

void Bus::take_news() {
  waker_.acknowledge();
  if (news_.events.capacity() > kKeptMax) news_.events = {};
  news_.events.clear();
  news_.cuts.clear();
  const std::lock_guard lock(mutex_);
  std::swap(told_, news_);
}

bool Bus::take_subscriptions() {
  Admits admits;
  {
    const std::lock_guard lock(mutex_);
    admits = admits_;
  }
  const bool all_taken = socket_.take_subscriptions(admits);
  subscriptions_ = socket_.subscriptions();
  refused_ = socket_.refused();
  const std::lock_guard lock(mutex_);
  socket_.each_heard(
      [this](const auto& connection) { heard_[connection.descriptor()] = connection; });
  return all_taken;
}

void Bus::send(std::string_view events) {
  while (!events.empty()) {
    const auto topic = take(events);
    const auto event = take(events);
    socket_.publish(topic, event);
  }
}

}  // namespace drover::broker
