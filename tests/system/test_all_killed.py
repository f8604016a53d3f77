"""Broker and workers are killed with SIGKILL at random moments, one kill in twenty while the broker
is recovering from the one before: no accepted task is lost, no attempt is started twice, and no
worker's word counts after its lease has gone to another.

DROVER_KILLS=1000 for a long run, of more than a million tasks; DROVER_SEED repeats the moments.
"""

import os
import time

import history
from fleet import Fleet, expect, expect_books_balance, seeded, wait_until

KILLS = int(os.environ.get("DROVER_KILLS") or 20)
TASKS_A_KILL = 1_500
RATE = 1_500
WORKERS = 4
CONCURRENT = 200


class Run:
    """What was started and killed so far."""

    def __init__(self, fleet, chance):
        self.fleet, self.chance = fleet, chance
        self.kills, self.histories = [], []
        self.in_recovery = 0
        self.ready = 0  # what count_ready said when the broker was last killed
        fleet.start_broker()
        self.workers = [self.start_worker() for _ in range(WORKERS)]

    def start_worker(self):
        self.histories.append(f"started-{len(self.histories)}.txt")
        return self.fleet.start_load_worker(history=self.histories[-1], window=CONCURRENT, hold="50ms")

    def kill_something(self):
        self.kills.append(int(time.time() * 1000))
        if self.chance.random() < 0.5:
            victim = self.chance.randrange(WORKERS)
            end(self.workers[victim])
            self.workers[victim] = self.start_worker()
        else:
            self.fleet.kill_broker()
            self.ready = count_ready(self.fleet)
            self.fleet.start_broker(wait=False)

    # Or, where starts are slow, all kills would hit one.
    def wait_until_ready(self):
        wait_until("the broker is ready", lambda: count_ready(self.fleet) > self.ready, 120)

    # The broker dies, and dies again while it reads its journal.
    def kill_in_recovery(self):
        self.fleet.kill_broker()
        self.kills.append(int(time.time() * 1000))
        self.ready = count_ready(self.fleet)
        self.fleet.start_broker(wait=False)
        time.sleep(self.chance.uniform(0.0, 0.1))
        self.kills.append(int(time.time() * 1000))
        self.fleet.kill_broker()
        self.in_recovery += count_ready(self.fleet) == self.ready  # it had not come to an end
        self.ready = count_ready(self.fleet)
        self.fleet.start_broker(wait=False)


def main():
    history.self_test()
    chance = seeded()
    tasks = KILLS * TASKS_A_KILL
    settings = {"broker.worker_timeout": "2s", "broker.heartbeat": "500ms",
                "broker.recovery_grace": "3s", "broker.poison_after": "100",
                # What is read at every start: little, or the long run would be a test of patience.
                "tasks.results_max": "50000", "journal.segment": "16MiB", "journal.retain": "64MiB"}
    with Fleet(settings) as fleet:
        run = Run(fleet, chance)
        producer = fleet.start_producer(tasks, batch=20, rate=RATE, ids="accepted.txt")
        while len(run.kills) < KILLS:
            time.sleep(chance.uniform(0.05, 1.5))  # the moment is what varies, nothing waits on it
            run.kill_in_recovery() if chance.random() < 0.1 else run.kill_something()
            run.wait_until_ready()
        told = fleet.finish(producer, seconds=600)
        wait_until("the broker answers", lambda: fleet.try_drover("ping", "-q").returncode == 0, 60)
        queue = wait_until("all tasks have ended", fleet.settled, 300)
        judge(fleet, run, told, queue, tasks)


def judge(fleet, run, told, queue, tasks):
    expect(told["accepted"] + told["duplicates"] == tasks, f"not all were accepted: {told}")
    expect(queue["submitted"] == tasks, f"{queue['submitted']} tasks were admitted, not {tasks}")
    expect(queue["completed"] == tasks, f"not all completed: {queue}")
    expect_books_balance(queue)
    with open(fleet.path("accepted.txt")) as lines:
        accepted = {line.strip() for line in lines}
    expect(len(accepted) == tasks, f"{len(accepted)} different ids were accepted")
    paths = [fleet.path(name) for name in run.histories if os.path.exists(fleet.path(name))]
    figures = history.check(accepted, history.read_starts(paths), run.kills, slack_ms=500)
    recorded = history.check_ends(history.read_starts(paths), history.read_ends(paths))
    stale = fleet.json("stats")["stale_leases"]
    print(f"{tasks} tasks accepted, {len(run.kills)} kills ({run.in_recovery} of them during recovery): "
          f"lost 0, attempts started twice 0, stale results accepted 0 of {recorded} confirmed; "
          f"{figures['again']} starts again after a kill, {stale} stale words refused since the last start")


def end(process):
    process.kill()
    process.wait()


def count_ready(fleet):
    with open(fleet.path("broker.log")) as lines:
        return sum("the broker is ready" in line for line in lines)


main()
