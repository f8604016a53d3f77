"""A disk that takes five seconds for every sync: broker and workers hear of each other all the same,
no worker loses its lease, and every submission is answered in the end."""

import json

import history
from fleet import Fleet, expect, expect_books_balance, wait_until

TASKS = 300
SLOW_MS = 5000


def main():
    settings = {"broker.worker_timeout": "3s", "broker.heartbeat": "300ms"}
    with Fleet(settings) as fleet:
        fleet.start_broker(SLOW_CALL=f"fdatasync:{SLOW_MS}")
        worker = fleet.start_load_worker(history="started.txt", window=300, hold="10ms")
        producer = fleet.start_producer(TASKS, batch=100, ids="accepted.txt")
        told = fleet.finish(producer)
        expect(told["accepted"] == TASKS, f"not all were accepted: {told}")
        expect(told["submit_ms"]["max"] > SLOW_MS / 2, f"the disk was not slow: {told}")
        queue = wait_until("all is done", lambda: all_done(fleet), 120)
        expect_books_balance(queue)
        with open(fleet.path("accepted.txt")) as lines:
            accepted = {line.strip() for line in lines}
        starts = history.read_starts([fleet.path("started.txt")])
        history.check(accepted, starts, kills_ms=[], slack_ms=0)  # no lease was lost: no second start
        worker.terminate()
        worker.wait(60)
        with open(fleet.path("load-worker.log")) as lines:
            silence = json.loads(lines.read())["longest_silence_ms"]
        expect(silence < SLOW_MS / 2, f"the broker said nothing to a worker for {silence} ms")
        stats = fleet.json("stats")
        expect(stats["commit_us_max"] >= SLOW_MS * 1000, f"the disk was not slow: {stats}")
        print(f"{TASKS} tasks on a disk that syncs in {SLOW_MS} ms: all completed, none started twice; "
              f"the worker heard of the broker at least every {silence} ms")


def all_done(fleet):
    queue = fleet.queue()
    return queue if queue["completed"] == TASKS else None


main()
