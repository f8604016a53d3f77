"""`drover watch --since beginning` gives every event once, in order and without a gap, across a kill
of the broker in the middle."""

import json
import subprocess
import os

from fleet import BIN, Fleet, expect, wait_until


def main():
    with Fleet() as fleet:
        fleet.start_broker()
        fleet.start_load_worker(window=100)
        fleet.finish(fleet.start_producer(2000, batch=50))
        wait_until("the first half is done", lambda: fleet.queue()["completed"] == 2000)
        watch = fleet.run([os.path.join(BIN, "drover"), "--url", fleet.url, "watch", "--json",
                           "--since", "beginning"], log="events.ndjson")
        wait_until("the first half was told", lambda: count_completed(fleet) >= 2000)
        fleet.kill_broker()
        fleet.start_broker()
        fleet.finish(fleet.start_producer(2000, batch=50))
        wait_until("the second half was told", lambda: count_completed(fleet) >= 4000, 60)
        watch.terminate()
        watch.wait()
        events = [e for e in read_events(fleet) if "seq" in e]
        numbers = [e["seq"] for e in events]
        expect(numbers == list(range(1, len(numbers) + 1)), "the numbers have a gap or repeat")
        expect(len({e["store"] for e in events}) == 1, "events of several stores")
        created = {e["subject"] for e in events if e["type"] == "task.created"}
        done = {e["subject"] for e in events if e["type"] == "task.completed"}
        expect(len(created) == 4000 and created == done, "not every task was told from its beginning to its end")
        again = replay(fleet, len(numbers))
        expect([e for e in again] == events, "the replay differs from what was told live")
        print(f"{len(numbers)} events, no gap, across a kill")


def read_events(fleet):
    events = []
    with open(fleet.path("events.ndjson")) as lines:
        for line in lines:
            if line.startswith("{") and line.endswith("\n"):
                events.append(json.loads(line))
    return events


def count_completed(fleet):
    try:
        with open(fleet.path("events.ndjson")) as lines:
            return sum('"task.completed"' in line for line in lines)
    except FileNotFoundError:
        return 0


def replay(fleet, count):
    watch = subprocess.Popen([os.path.join(BIN, "drover"), "--url", fleet.url, "watch", "--json",
                              "--since", "beginning"], stdout=subprocess.PIPE, text=True)
    fleet.processes.append(watch)
    events = []
    while len(events) < count:
        event = json.loads(watch.stdout.readline())
        if "seq" in event:
            events.append(event)
    watch.terminate()
    return events


main()
