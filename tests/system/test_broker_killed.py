"""200,000 tasks while the broker is killed with SIGKILL 20 times and started again: every accepted
task completes, the books balance, nothing is lost, and no attempt is ever handed out twice."""

import time

import history
from fleet import Fleet, expect, expect_books_balance, seeded, wait_until

TASKS = 200_000
KILLS = 20
WORKERS = 3


def main():
    history.self_test()
    chance = seeded()
    with Fleet({"broker.recovery_grace": "10s"}) as fleet:
        fleet.start_broker()
        names = [f"started-{i}.txt" for i in range(WORKERS)]
        for name in names:
            fleet.start_load_worker(history=name, window=100, hold="20ms")
        producer = fleet.start_producer(TASKS, batch=100, ids="accepted.txt")
        kills = []
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.005, 1.5))  # the moment is what varies, nothing waits on it
            kills.append(int(time.time() * 1000))
            fleet.kill_broker()
            fleet.start_broker(wait=False)
        told = fleet.finish(producer)
        expect(told["accepted"] + told["duplicates"] == TASKS, f"not all were accepted: {told}")
        queue = wait_until("all tasks have ended", fleet.settled, 120)
        expect(queue["submitted"] == TASKS, f"{queue['submitted']} tasks were admitted")
        expect(queue["completed"] == TASKS, f"not all completed: {queue}")
        expect_books_balance(queue)
        with open(fleet.path("accepted.txt")) as lines:
            accepted = {line.strip() for line in lines}
        expect(len(accepted) == TASKS, f"{len(accepted)} different ids were accepted")
        figures = history.check(accepted, history.read_starts(map(fleet.path, names)), kills, 100)
        print(f"{TASKS} tasks, {KILLS} kills: lost 0, {figures['starts']} starts, "
              f"{figures['again']} of them again after a kill")


main()
