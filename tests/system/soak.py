"""A fleet under steady load for as long as is asked, and whether it stays as it is.

    tests/system/soak.py 20           # minutes; or: make soak MINUTES=20

100 workers, 50 listeners that keep up, 2,000 tasks a second, one attempt in a hundred fails, 200
connections a minute break. In every second phase of 15 seconds 50 more listeners are there, of which
each reads ten messages a second: what they cost is measured side by side with what it is without
them. Not a part of the tests; it ends with a verdict, 1 if anything is wrong.
"""

import json
import os
import statistics
import sys
import time
from dataclasses import dataclass

from fleet import LOAD, Fleet, expect_books_balance, wait_until

RATE = 2_000
WORKERS = 100
LISTENERS = 50
SLOW_LISTENERS = 50
RECONNECTS_A_MINUTE = 200
FAILURES_PERMILLE = 10
PHASE_S = 15
MEASURE_EVERY_S = 5
SEGMENT = 16 << 20
RETAIN = 256 << 20
WARM_UP = 0.4  # of the time: until tables, caches and the retained log have grown to their sizes

SETTINGS = {"journal.segment": "16MiB", "journal.retain": "256MiB", "tasks.results_max": "50000",
            "tasks.backoff_base": "100ms"}


@dataclass
class Measured:
    """The broker at one moment."""
    seconds: float
    slow: bool  # slow listeners are there
    rss: float  # MiB
    descriptors: int
    disk: int  # bytes, and what they may be
    disk_max: int


class Soak:
    def __init__(self, fleet):
        self.fleet = fleet
        self.measured = []
        self.p99 = {True: [], False: []}  # of each phase, with slow listeners or without
        self.accepted = self.refused = 0
        self.begun = time.monotonic()
        fleet.start_broker()
        self.run("work", "--connect", fleet.connect, "--workers", WORKERS, "--window", 20, "--hold",
                 "5ms", "--failures", FAILURES_PERMILLE, "--reconnects", RECONNECTS_A_MINUTE)
        self.run("subscribe", "--status", fleet.status, "--count", LISTENERS, "--prefix",
                 "default/task.completed")

    def run(self, *argv):
        return self.fleet.run([LOAD, *map(str, argv)], log="load.log")

    def phase(self, slow):
        listeners = slow and self.run("subscribe", "--status", self.fleet.status, "--count",
                                      SLOW_LISTENERS, "--slow", "100ms")
        producer = self.fleet.start_producer(RATE * PHASE_S, batch=10, rate=RATE, payload=500)
        while producer.poll() is None:
            self.measure(slow)
            for _ in range(10 * MEASURE_EVERY_S):
                if producer.poll() is not None:
                    break
                time.sleep(0.1)
        told = json.loads(producer.communicate()[0])
        self.accepted += told["accepted"]
        self.refused += told["refused"]
        self.p99[slow].append(told["submit_ms"]["p99"])
        if listeners:
            listeners.terminate()
            listeners.wait(30)

    def measure(self, slow):
        pid = self.fleet.broker.pid
        with open(f"/proc/{pid}/status") as lines:
            rss = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
        live = self.fleet.json("stats")["live_bytes"]
        self.measured.append(Measured(
            time.monotonic() - self.begun, slow, rss, len(os.listdir(f"/proc/{pid}/fd")),
            bytes_in(self.fleet.path("data")), max(RETAIN, 2 * live) + 3 * SEGMENT))

    # --- the verdict: sentences, and whether each is good

    def judge(self):
        self.drain()
        yield from (self.nothing_lost(), self.memory(), self.descriptors(), self.disk(), self.latency())

    def drain(self):
        waiting = ("scheduled", "ready", "running", "retrying")
        wait_until("all tasks have ended", lambda: not any(self.fleet.queue()[s] for s in waiting), 300)

    def nothing_lost(self):
        queue = self.fleet.queue()
        expect_books_balance(queue)
        ended = queue["completed"] + queue["dead"]
        good = self.refused == 0 and queue["submitted"] == self.accepted == ended
        return good, (f"{self.accepted} tasks accepted, {self.refused} refused, {queue['completed']} "
                      f"completed, {queue['dead']} dead after all their attempts, "
                      f"{self.accepted - ended} lost")

    def memory(self):
        late = self.after_warm_up()
        rss = [m.rss for m in late]
        slope = statistics.linear_regression([m.seconds for m in late], rss).slope  # MiB a second
        grown = slope * (late[-1].seconds - late[0].seconds)
        # In a short run an hour's worth of noise looks like a leak: what counts is what was seen.
        return grown < max(8, 0.05 * rss[0]), (
            f"memory {rss[0]:.0f} MiB after warming up, {rss[-1]:.0f} at the end, at most "
            f"{max(rss):.0f}: {3600 * slope:+.1f} MiB an hour")

    def descriptors(self):
        late = [m.descriptors for m in self.after_warm_up()]
        early, end = late[:len(late) // 2], late[len(late) // 2:]
        drift = statistics.median(end) - statistics.median(early)
        return abs(drift) <= 3 and max(late) - min(late) <= 20, (
            f"file descriptors {min(late)} to {max(late)} without the slow listeners, {drift:+.0f} from "
            "the first half to the second")

    def disk(self):
        worst = max(self.measured, key=lambda m: m.disk - m.disk_max)
        return worst.disk <= worst.disk_max, (
            f"disk at most {max(m.disk for m in self.measured) >> 20} MiB; nearest to its bound "
            f"{worst.disk >> 20} of {worst.disk_max >> 20} MiB")

    def latency(self):
        late = {slow: p99[len(p99) // 3:] for slow, p99 in self.p99.items()}
        medians = {slow: statistics.median(p99) for slow, p99 in late.items()}
        spread = max(late[False]) - min(late[False])
        good = medians[True] - medians[False] <= max(spread, 0.5 * medians[False])
        return good, (f"submit p99 {medians[False]:.1f} ms without the slow listeners "
                      f"({min(late[False]):.1f} to {max(late[False]):.1f} in {len(late[False])} phases), "
                      f"{medians[True]:.1f} with them ({min(late[True]):.1f} to {max(late[True]):.1f})")

    def after_warm_up(self):
        end = self.measured[-1].seconds
        return [m for m in self.measured if m.seconds >= WARM_UP * end and not m.slow]


def bytes_in(directory):
    total = 0
    for name in os.listdir(directory):
        try:
            total += os.stat(os.path.join(directory, name)).st_blocks * 512
        except FileNotFoundError:
            pass  # a segment was renamed while we looked
    return total


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    with Fleet(SETTINGS) as fleet:
        soak = Soak(fleet)
        wait_until("the workers are there", lambda: len(fleet.json("worker", "list")) == WORKERS)
        phases = max(4, round(minutes * 60 / PHASE_S))
        for number in range(phases):
            soak.phase(slow=number % 2 == 1)
            say_where_it_stands(soak, number, phases)
        verdicts = list(soak.judge())
    for good, sentence in verdicts:
        print(("ok    " if good else "WRONG ") + sentence)
    sys.exit(0 if all(good for good, _ in verdicts) else 1)


def say_where_it_stands(soak, number, phases):
    if (number + 1) % 8 == 0 or number + 1 == phases:
        now = soak.measured[-1]
        print(f"{now.seconds / 60:5.1f} min: {soak.accepted} tasks, {now.rss:.0f} MiB, "
              f"{now.descriptors} descriptors, {now.disk >> 20} MiB on disk", flush=True)


main()
