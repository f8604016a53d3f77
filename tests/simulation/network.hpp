// The network between the broker and everybody else, as ZeroMQ makes it look.
//
// A link is a caller's socket. While it is connected the broker knows it as a peer; frames of each
// direction arrive in the order in which they were sent, later. When the connection breaks,
// whatever lay in the pipes is gone and nobody is told; a while later the link is connected again,
// as another peer, which its caller hears of. Meanwhile it cannot send.
//
// The weather (loss, duplication, delay) and the silence of single links are set from outside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/core/fleet.hpp"
#include "common/base/random.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/options.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/simulation/trace.hpp"

namespace drover::sim {

using broker::Peer;

// The broker has a socket for each.
enum class Side : std::uint8_t { workers, clients };

// A caller's end of a link.
class Caller {
 public:
  virtual ~Caller() = default;
  virtual void receive(std::string frame) = 0;
  virtual void reconnected() {}
};

// The broker's end of all links.
class Inbox {
 public:
  virtual ~Inbox() = default;
  // `key` is the number of the key that the connection speaks under, in SimOptions::keys.
  virtual void arrived(Side side, Peer peer, KeyNumber key, std::string frame) = 0;
};

struct Weather {
  std::uint32_t loss = 0;         // per mille of the frames
  std::uint32_t duplication = 0;  //
  Micros delay_max = 0;           // beyond the usual latency
};

using LinkId = std::size_t;

class Network {
 public:
  Network(Schedule& schedule, Trace& trace, FaultCounts& faults, Random random, Micros latency_min,
          Micros latency_spread);

  // A socket that connects as soon as there is a broker. `caller` outlives the network or closes.
  LinkId open(Side side, Caller& caller, KeyNumber key = 0);
  // The caller's process ended. Unless `noticed`, the broker's side believes in it until the
  // connection would have been used for a while.
  void close(LinkId link, bool noticed);
  // False if there is no connection: the frame is gone.
  bool send(LinkId link, std::string frame);

  // The connection breaks and comes back.
  void cut(LinkId link);
  bool is_open(LinkId link) const { return links_[link].caller != nullptr; }
  std::size_t size() const { return links_.size(); }

  // Nothing passes in one direction until then.
  enum class Direction : std::uint8_t { to_broker, to_caller };
  void silence(LinkId link, Direction direction, Micros until);
  void set_weather(const Weather& weather) { weather_ = weather; }
  // A worker has sent this. So many per mille of such frames are sent once more, by a worker with
  // another key.
  void overhear(LinkId link, const std::string& frame);
  void set_copied(std::uint32_t share) { copied_ = share; }
  void heal();

  // --- the broker's end
  void broker_up(Inbox& inbox);
  void broker_down();
  // False if nobody is there.
  bool to_caller(Side side, Peer peer, std::string_view frame);

 private:
  struct Pipe {
    Micros last = 0;  // when the newest frame in it arrives
    Micros silent_until = 0;
  };
  struct Link {
    Side side = Side::workers;
    Caller* caller = nullptr;
    KeyNumber key = 0;
    Peer peer{};
    bool connected = false;
    std::uint64_t epoch = 0;  // of its connection
    Pipe to_broker, to_caller;
  };

  static std::uint64_t key_of(Side side, Peer peer) {
    return static_cast<std::uint64_t>(peer) * 2 + (side == Side::clients ? 1 : 0);
  }
  void connect_later(LinkId link);
  void connect(LinkId link);
  void disconnect(Link& link);
  void into_broker(LinkId link, std::string frame);
  void into_caller(LinkId link, std::string frame);
  // When a frame that enters the pipe now comes out; never if it is lost.
  Micros arrival(Pipe& pipe);
  bool is_lost(const Pipe& pipe);
  bool by_lot(std::uint32_t share) { return share > 0 && random_.below(1000) < share; }

  Schedule& schedule_;
  Trace& trace_;
  FaultCounts& faults_;
  Random random_;
  Micros latency_min_, latency_spread_;
  Weather weather_;
  std::uint32_t copied_ = 0;
  Inbox* inbox_ = nullptr;
  std::uint64_t next_peer_ = 1;
  std::vector<Link> links_;
  std::unordered_map<std::uint64_t, LinkId> by_peer_;
};

}  // namespace drover::sim
