"""A million waiting tasks of 256 bytes fit into 350 MB with the default payload memory, and are there
again after a kill."""

from fleet import Fleet, expect, expect_books_balance, wait_until

TASKS = 1_000_000
MOST_MB = 350


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main():
    with Fleet() as fleet:
        fleet.start_broker()
        fleet.finish(fleet.start_producer(TASKS, batch=500, payload=256))
        used = rss_mb(fleet.broker.pid)
        expect(fleet.queue()["ready"] == TASKS, "not all tasks wait")
        expect(used <= MOST_MB, f"the broker uses {used:.0f} MB")
        fleet.kill_broker()
        fleet.start_broker()
        queue = wait_until("all tasks are there again", fleet.queue)
        expect(queue["ready"] == TASKS, f"after the kill: {queue}")
        expect_books_balance(queue)
        print(f"{TASKS} waiting tasks: {used:.0f} MB, after recovery {rss_mb(fleet.broker.pid):.0f} MB")


main()
