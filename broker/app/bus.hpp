// The status bus, on a thread of its own: however many listen and whatever they send, the loop only
// hands its events over.
//
// Events leave in the order in which they were handed over. What the bus cannot send as fast as it
// is told waits, up to 32 MiB; the rest is not told (subscribers see the gap in the numbers and ask
// for what they missed). All is for one thread, the loop's, but for what it says of itself.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/files/waker.hpp"
#include "common/transport/xpub_socket.hpp"

namespace drover::broker {

class Bus {
 public:
  using Admits = transport::XpubSocket::Admits;
  using Goes = std::function<bool(std::string_view user_id)>;

  // Starts at once. `admits` is asked on the bus's thread, by copy.
  Bus(transport::XpubSocket socket, Admits admits);

  // Sends what was handed over, and ends.
  ~Bus();

  const std::string& address() const { return address_; }
  std::uint16_t port() const { return socket_.port(); }

  void publish(std::string_view topic, std::string_view event);

  // Who may subscribe from now on.
  void set_admits(Admits admits);

  // Cuts the connections of subscribers with a User-Id for which `goes` holds, soon, on the bus's
  // thread.
  void cut(Goes goes);

  // Tells of each connection that a request has come over since the last call.
  void each_heard(const std::function<void(const transport::Connection&)>& tell);

  // See XpubSocket. How things were when the bus last looked.
  std::size_t subscriptions() const { return subscriptions_; }
  std::uint64_t refused() const { return refused_; }

  // For how long it has had more to see to than it could; 0 while it keeps up. Each call asks its
  // thread for a sign that it does; the answer is how long the last one has been missing.
  Duration behind();

  // Events that were not told because too many waited.
  std::uint64_t untold() const { return untold_; }

 private:
  // What the loop has to say, taken by the bus's thread all at once.
  struct News {
    std::string events;  // of each: topic and event, each after its length
    std::vector<Goes> cuts;
    bool stop = false;
  };

  template <class Say>
  void tell(const Say& say);
  void run();
  void take_news();
  bool take_subscriptions();
  void send(std::string_view events);

  transport::XpubSocket socket_;
  std::string address_;
  files::Waker waker_;
  std::mutex mutex_;  // for the next three
  News told_;
  Admits admits_;
  std::map<int, transport::Connection> heard_;
  std::atomic<std::size_t> subscriptions_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::int64_t> asked_at_ = 0;  // milliseconds of the steady clock; 0 = it has answered
  std::uint64_t untold_ = 0;
  News news_;  // the bus's thread's
  std::thread thread_;
};

}  // namespace drover::broker
