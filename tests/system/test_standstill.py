"""Processes that stand still and come back: a worker past its lease changes nothing, a broker that
slept through every deadline takes no lease away."""

import os
import signal
import time

import history
from fleet import Fleet, expect, expect_books_balance, wait_until


def a_worker_that_comes_back_late_changes_nothing():
    settings = {"broker.worker_timeout": "2s", "broker.heartbeat": "500ms"}
    with Fleet(settings) as fleet:
        fleet.start_broker()
        first = fleet.start_load_worker(history="first.txt", window=1, hold="1s")
        wait_until("the first worker is there", lambda: fleet.json("worker", "list"))
        task = fleet.json("submit", "load", "{}")["id"]
        wait_until("it runs", lambda: fleet.json("task", "show", task)["state"] == "running")
        os.kill(first.pid, signal.SIGSTOP)
        fleet.start_load_worker(history="second.txt", window=1, hold="0s")
        ended = wait_until("another has finished it", lambda: completed(fleet, task))
        expect([a["outcome"] for a in ended["attempts"]] == ["worker_lost", "completed"],
               f"attempts: {ended['attempts']}")
        before = fleet.json("stats")
        os.kill(first.pid, signal.SIGCONT)
        wait_until("the first one is back", lambda: len(fleet.json("worker", "list")) == 2)
        # It still holds attempt 1, and ends it: the broker's answer is STALE_LEASE.
        wait_until("its late word was refused",
                   lambda: fleet.json("stats")["stale_leases"] > before["stale_leases"]
                   or all(w["running"] == 0 for w in fleet.json("worker", "list")))
        after = fleet.json("task", "show", task)
        expect(after == ended, f"the late worker changed the task: {after}")
        expect_books_balance(fleet.queue())


def completed(fleet, task):
    shown = fleet.json("task", "show", task)
    return shown if shown["state"] == "completed" else None


def a_broker_that_stood_still_takes_no_lease_away():
    settings = {"broker.worker_timeout": "3s", "broker.heartbeat": "1s"}
    with Fleet(settings) as fleet:
        fleet.start_broker()
        for i in range(2):
            fleet.start_load_worker(history=f"started-{i}.txt", window=100, hold="500ms")
        producer = fleet.start_producer(5000, batch=100, ids="accepted.txt")
        wait_until("work is under way", lambda: (fleet.queue() or {}).get("running", 0) > 100)
        os.kill(fleet.broker.pid, signal.SIGSTOP)
        time.sleep(2 * 3.0)  # twice worker_timeout is what the promise is about
        os.kill(fleet.broker.pid, signal.SIGCONT)
        fleet.finish(producer)
        queue = wait_until("all is done", lambda: q if (q := fleet.queue())["completed"] == 5000 else None)
        expect_books_balance(queue)
        with open(fleet.path("accepted.txt")) as lines:
            accepted = {line.strip() for line in lines}
        starts = history.read_starts([fleet.path(f"started-{i}.txt") for i in range(2)])
        history.check(accepted, starts, kills_ms=[], slack_ms=0)  # nothing started twice
        expect(fleet.json("stats")["standstills"] >= 1, "the broker did not notice that it stood still")


a_worker_that_comes_back_late_changes_nothing()
a_broker_that_stood_still_takes_no_lease_away()
print("standstills change nothing")
