"""Tasks while workers are killed with SIGKILL: every accepted task completes, a second start only
where a kill explains it, and no neighbour of a crash is dead.

A task that was there when two workers died runs alone the third time; if this test kills that very
worker, nobody can tell it from poison, and it is dead. Any other death is a broken promise."""

import time

import history
from fleet import Fleet, expect, expect_books_balance, seeded, wait_until

TASKS = 200_000
KILLS = 20
HOLD_MS = 15


def main():
    chance = seeded()
    with Fleet({"broker.worker_timeout": "2s", "broker.heartbeat": "500ms"}) as fleet:
        fleet.start_broker()
        names, workers = [], []

        def start_worker():
            names.append(f"started-{len(names)}.txt")
            return fleet.start_load_worker(history=names[-1], window=50, hold=f"{HOLD_MS}ms")

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
        queue = wait_until("all tasks have ended", fleet.settled, 120)
        histories = [history.read_starts([fleet.path(name)]) for name in names]
        dead = [task["id"] for task in fleet.json("dlq", "list")]
        for task in dead:
            expect(any(ran_alone(task, starts) for starts in histories),
                   f"a neighbour of a crash is dead: {task}")
        expect(queue["dead"] == len(dead) <= KILLS, f"more are dead than were killed: {queue}")
        expect(queue["completed"] == TASKS - len(dead), f"not all completed: {queue}")
        expect_books_balance(queue)
        with open(fleet.path("accepted.txt")) as lines:
            accepted = {line.strip() for line in lines}
        figures = history.check(accepted, sum(histories, []), kills, 100)
        print(f"{TASKS} tasks, {KILLS} workers killed: lost 0, neighbours dead 0, "
              f"killed while alone {len(dead)}, {figures['again']} started again")


def ran_alone(task, starts):
    """The worker of these starts ended in the third attempt of the task, and ran nothing beside it."""
    if not starts or starts[-1][:2] != (task, 3):
        return False
    return len(starts) == 1 or starts[-1][2] - starts[-2][2] >= HOLD_MS


main()
