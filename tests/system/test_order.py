"""Who goes first, and when: a critical task overtakes 100,000 low ones, and a delayed task is never
early and hardly late."""

from fleet import Fleet, expect, wait_until

LOW = 100_000
DELAYED = 2_000
LATE_MS = 250


def a_critical_task_is_next_behind_a_deep_line():
    with Fleet() as fleet:
        fleet.start_broker()
        fleet.finish(fleet.start_producer(LOW, batch=1000, priority="low"))
        critical = fleet.json("submit", "load", "{}", "--priority", "critical")["id"]
        fleet.start_load_worker(history="started.txt", window=1, hold="0s")
        first = wait_until("something started", lambda: first_line(fleet.path("started.txt")))
        expect(first.split()[0] == critical, "the critical task was not the first to be leased")
        expect(fleet.queue()["ready"] > 0, "the line was gone before the look at it")


def first_line(path):
    try:
        with open(path) as lines:
            line = lines.readline()
            return line if line.endswith("\n") else None
    except FileNotFoundError:
        return None


def a_delayed_task_is_never_early_and_hardly_late():
    delay_ms = 3000
    with Fleet() as fleet:
        fleet.start_broker()
        fleet.start_load_worker(history="started.txt", window=500, hold="0s")
        fleet.finish(fleet.start_producer(DELAYED, batch=20, window=1, delay=f"{delay_ms}ms"))
        wait_until("all have run", lambda: fleet.queue()["completed"] == DELAYED)
        with open(fleet.path("started.txt")) as lines:
            starts = [fields for fields in map(str.split, lines) if len(fields) == 4]
        late = sorted(int(started) - int(created) - delay_ms for _, _, started, created in starts)
        # The worker's clock and the broker's are the same machine's, read at different starts: a
        # millisecond between them is rounding.
        expect(late[0] >= -2, f"a task started {-late[0]} ms early")
        p99 = late[int(len(late) * 0.99) - 1]
        expect(p99 <= LATE_MS, f"the p99 of lateness is {p99} ms")
        print(f"delayed tasks: {len(late)}, earliest {late[0]} ms, p99 {p99} ms late")


a_critical_task_is_next_behind_a_deep_line()
a_delayed_task_is_never_early_and_hardly_late()
