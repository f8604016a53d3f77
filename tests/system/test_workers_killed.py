"""Tasks while workers are killed with SIGKILL: every accepted task completes, a second start only
where a kill explains it, and no neighbour of a crash is dead."""

import time

import history
from fleet import Fleet, expect, expect_books_balance, seeded, wait_until

TASKS = 200_000
KILLS = 20


def main():
    chance = seeded()
    # Three strikes would be bad luck here, not poison: each kill strikes all that the worker held.
    with Fleet({"broker.worker_timeout": "2s", "broker.heartbeat": "500ms"}) as fleet:
        fleet.start_broker()
        names, workers = [], []

        def start_worker():
            names.append(f"started-{len(names)}.txt")
            return fleet.start_load_worker(history=names[-1], window=200, hold="50ms")

        workers = [start_worker() for _ in range(4)]
        producer = fleet.start_producer(TASKS, batch=100, ids="accepted.txt")
        kills = []
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 1.0))
            victim = chance.randrange(len(workers))
            kills.append(int(time.time() * 1000))
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start_worker()
        fleet.finish(producer)
        queue = wait_until("all tasks have ended", lambda: settled(fleet), 120)
        expect(queue["dead"] == 0, f"a neighbour of a crash is dead: {queue}")
        expect(queue["completed"] == TASKS, f"not all completed: {queue}")
        expect_books_balance(queue)
        with open(fleet.path("accepted.txt")) as lines:
            accepted = {line.strip() for line in lines}
        figures = history.check(accepted, history.read_starts(map(fleet.path, names)), kills, 100)
        print(f"{TASKS} tasks, {KILLS} workers killed: lost 0, dead 0, {figures['again']} started again")


def settled(fleet):
    queue = fleet.queue()
    waiting = ("scheduled", "ready", "running", "retrying")
    return queue if queue and not any(queue[state] for state in waiting) else None


main()
