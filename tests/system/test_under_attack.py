"""An honest client beside attackers on all three ports: in rounds, each with a phase of calm, one in which the
attackers are busy with another broker on this machine, and one in which they are at this one. From round to round
they go about it in another way. Every honest request is answered, nothing is lost, memory stays within its bound;
the latencies and their ratios are printed. Attackers and brokers share the processors here, which costs everybody
time; the phase with the other broker tells how much, and the goal is a ratio of two at most to that. What fails
the test is a refusal, a request that takes a second, a broker that is gone, or memory beyond the bound.

DROVER_ATTACK_SECONDS: how long it takes in all; 10 unless said."""

import multiprocessing
import os
import random
import socket
import struct
import time

from fleet import Fleet, expect, memory, percentile, seeded
from wire import *
from zmtp import Peer, SIGNATURE, address, frame, greeting, pack, ready

MB = 1 << 20
SECONDS = float(os.environ.get("DROVER_ATTACK_SECONDS", "10"))
WARM_UP = 0.1             # of each phase, not measured: attackers connect, what they left is cleared
PAUSE = 0.002             # between honest requests
PATIENCE = 0.1            # of attackers whom the broker does not let in
STARVED = 1.0             # seconds that no honest request may take
BOUND = 256 * MB          # what the broker may grow by


# --- what attackers do, a step at a time; each returns when it has sent something

def random_bytes(dice, url):
    with Peer(url, silent=True, timeout=PATIENCE) as peer:
        peer.raw(dice.randbytes(dice.randrange(1, 5000)))


def greeting_and_noise(dice, url):
    with Peer(url, silent=True, timeout=PATIENCE) as peer:
        peer.raw(greeting() + ready() + dice.randbytes(2000))


def half_a_greeting(dice, url):
    peer = Peer(url, silent=True, timeout=PATIENCE)
    peer.raw(SIGNATURE[:dice.randrange(10)])
    return peer  # stays open for a while


def huge_frame(_, url):
    with Peer(url, timeout=PATIENCE) as peer:
        peer.raw(b"\x02" + struct.pack(">Q", 2 ** 63 - 1) + bytes(1000))


def unreadable_frames(dice, url):
    with Peer(url, timeout=PATIENCE) as peer:
        for _ in range(20):
            peer.send_many([dice.randbytes(dice.randrange(200)) for _ in range(100)])


def messages_of_many_frames(_, url):
    with Peer(url, timeout=PATIENCE) as peer:
        peer.raw(frame(b"x", more=True) * 10_000 + frame(b"end"))


def lies_about_counts(_, url):
    with Peer(url, timeout=PATIENCE) as peer:
        for head in (b"\xdd\xff\xff\xff\xff", b"\x93\x02\x07\xdd\xff\xff\xff\xff", b"\x91" * 1000):
            peer.send_many([head] * 10)


def subscriptions(_, url):
    with Peer(url, socket_type=b"SUB", timeout=PATIENCE) as peer:
        peer.raw(b"".join(frame(b"\x01topic/%03d" % i) for i in range(300)))


def heartbeats(_, url):
    with Peer(url, timeout=PATIENCE) as peer:
        peer.send_many([pack([HEARTBEAT, 1, False, []])] * 5000)


ON_CLIENTS = (random_bytes, greeting_and_noise, half_a_greeting, huge_frame, unreadable_frames,
              messages_of_many_frames, lies_about_counts)
ON_WORKERS = (random_bytes, huge_frame, unreadable_frames, messages_of_many_frames, heartbeats)
ON_STATUS = (random_bytes, greeting_and_noise, half_a_greeting, huge_frame, subscriptions)
ROUNDS = len(ON_CLIENTS)


def attack(url, ways, seed, go, turn, steps):
    """Attacks whenever `go` is set, for ever, in the way that is `turn`'s."""
    os.nice(10)
    dice = random.Random(seed)
    held = []
    while True:
        go.wait()
        try:
            held.append(ways[turn.value % len(ways)](dice, url))
        except OSError:
            pass  # cut off, as it should be
        with steps.get_lock():
            steps.value += 1
        for peer in held[:-100]:
            if peer:
                peer.close()
        held = held[-100:]


class Attack:
    """Attackers of one broker, at each of its addresses, who are at it within `with`."""

    def __init__(self, urls, turn, dice):
        self.go, self.steps = multiprocessing.Event(), multiprocessing.Value("Q", 0)
        self.attackers = [multiprocessing.Process(target=attack, daemon=True,
                                                  args=(url, ways, dice.random(), self.go, turn, self.steps))
                          for url, ways in zip(urls, (ON_CLIENTS, ON_WORKERS, ON_STATUS))]
        for attacker in self.attackers:
            attacker.start()

    def __enter__(self):
        self.go.set()

    def __exit__(self, *_):
        self.go.clear()

    def end(self):
        """How many attacks there were."""
        expect(all(attacker.is_alive() for attacker in self.attackers), "an attacker has given up")
        for attacker in self.attackers:
            attacker.kill()
            attacker.join()
        return self.steps.value


# --- the honest one

class Honest:
    """Submits, asks for what it has submitted, and works it off: as fast as answers come."""

    def __init__(self, fleet):
        self.client = Client(fleet.url)
        self.worker = Worker(fleet.connect, types=["honest"])
        self.submitted = self.finished = 0
        self.slowest = 0.0

    def phase(self, seconds):
        """The latencies of a phase, in seconds."""
        times = []
        began = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            took = self.round_trip()
            self.slowest = max(self.slowest, took)
            if now > began + WARM_UP:
                times.append(took)
            time.sleep(PAUSE)
        return times

    def round_trip(self):
        """One task from its submission to its confirmed result."""
        began = time.monotonic()
        outcome = self.client.submit(task(type="honest"))[0]
        expect(outcome[4] is None, f"an honest submission is refused: {outcome}")
        self.submitted += 1
        task_id, attempt = self.worker.take_task()
        expect(task_id == outcome[0], "another task came")
        expect(self.worker.done(task_id, attempt) == OK, "an honest result is refused")
        self.finished += 1
        return time.monotonic() - began


def main():
    dice = seeded()
    with Fleet() as fleet, Fleet() as other:
        fleet.start_broker()
        other.start_broker()
        honest = Honest(fleet)
        size = memory(fleet)
        turn = multiprocessing.Value("i", 0)
        at_other, at_us = (Attack((f.url, f.connect, f.status), turn, dice) for f in (other, fleet))
        calm, elsewhere, attacked, largest = [], [], [], size
        for turn.value in range(ROUNDS):
            calm += honest.phase(SECONDS / ROUNDS / 3)
            with at_other:
                elsewhere += honest.phase(SECONDS / ROUNDS / 3)
            with at_us:
                attacked += honest.phase(SECONDS / ROUNDS / 3)
            largest = max(largest, memory(fleet))
        attacks = at_other.end(), at_us.end()
        expect(min(attacks) > ROUNDS, f"there were only {attacks} attacks")
        expect(fleet.broker.poll() is None, "the broker is gone")
        queue = fleet.queue()
        expect(queue["completed"] == honest.finished == honest.submitted, f"something is lost: {queue}")
        report(calm, elsewhere, attacked)
        print(f"{attacks[1]} attacks; {refusals(honest.client)}; {(largest - size) / MB:.0f} MB more memory")
        expect(honest.slowest < STARVED, f"an honest request took {honest.slowest:.2f} s")
        expect(largest - size < BOUND, f"the broker grew by {(largest - size) / MB:.0f} MB")


def report(calm, elsewhere, attacked):
    print("honest task, from submit to confirmed, in ms:")
    for name, times in (("calm", calm), ("attack on another broker", elsewhere), ("under attack", attacked)):
        print(f"{name:25} p50 {percentile(times, 0.5) * 1e3:6.2f}  p99 {percentile(times, 0.99) * 1e3:6.2f}  "
              f"({len(times)} tasks)")
    worst = percentile(attacked, 0.99)
    print(f"p99 under attack: {worst / percentile(calm, 0.99):.1f} times that of calm, "
          f"{worst / percentile(elsewhere, 0.99):.1f} times that beside an attack on another (goal: 2)")


def refusals(client):
    stats = client.stats()
    return f"refused {stats['refused']}, {stats['ignored_peers']} peers ignored"


if __name__ == "__main__":
    main()
