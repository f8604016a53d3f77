"""A disk that fills up under a real broker: new tasks get STORAGE_FULL, what is running completes, and
by itself the broker goes on when there is room again, be it new space or old events given up."""

import json
import os

import disks
from disks import MIB
from fleet import BIN, Fleet, expect, expect_books_balance, wait_until

SMALL = {"journal.segment": "4MiB", "limits.queues": "100", "tasks.results_max": "500"}
RUNNING = 4


def fleet_on(disk, **settings):
    return Fleet({**SMALL, **settings, "store.url": f"file:{disk.dir}/data"})


def new_tasks_are_refused_and_running_ones_complete():
    with disks.LoopDisk(96 * MIB) as disk, fleet_on(disk) as fleet:
        fleet.start_broker()
        ballast = disk.fill(leave=8 * MIB)
        worker = fleet.run([os.path.join(BIN, "drover"), "--url", fleet.url, "work", "held",
                            "--slots", str(RUNNING), "--", "sh", "-c",
                            f"while [ ! -e {fleet.path('go')} ]; do sleep 0.1; done; "
                            "head -c 100000 /dev/zero | tr '\\0' 7"], log="work.log")
        held = [fleet.json("submit", "held", "{}", "--timeout", "300s")["id"] for _ in range(RUNNING)]
        wait_until("they run", lambda: all(state(fleet, task) == "running" for task in held))

        told = load(fleet, tasks=4000, type="nobody.runs", payload=20_000, batch=10)
        expect(told["refused"] > 0 and told["refusal"] == "STORAGE_FULL", f"no refusal: {told}")
        expect(fleet.queue()["ready"] == told["accepted"], "not all that was accepted is there")
        refused = fleet.try_drover("submit", "nobody.runs", "{}", "--json")
        error = json.loads(refused.stderr)["error"]
        expect(refused.returncode == 1 and error["code"] == "STORAGE_FULL", f"{refused}")
        expect(error["retry_after_ms"] > 0, f"nothing says when to come back: {error}")

        fleet.drover("ping")
        open(fleet.path("go"), "w").close()
        wait_until("they complete", lambda: all(state(fleet, task) == "completed" for task in held))
        expect(len(fleet.drover("task", "show", held[0])) > 0, "a task cannot be read")
        expect(fleet.broker.poll() is None, "the broker has ended")

        os.remove(ballast)
        wait_until("tasks are taken again", lambda: submits(fleet))
        load(fleet, tasks=500, type="nobody.runs", payload=20_000, batch=10, expect_refusals=False)
        expect_books_balance(fleet.queue())
        worker.terminate()
        worker.wait()
        expect("no room" in log_of(fleet), "the log does not say what was wrong")
        print(f"on a full disk: {told['accepted']} tasks accepted and kept, the others refused with "
              f"STORAGE_FULL, {RUNNING} running ones completed; again accepting once there was room")


# Ten times what the disk holds passes through, while journal.retain would keep all of it.
def old_events_make_room():
    with disks.LoopDisk(48 * MIB) as disk, fleet_on(disk, **{"journal.retain": "1GiB"}) as fleet:
        fleet.start_broker()
        fleet.start_load_worker(window=100)
        told = load(fleet, tasks=20_000, payload=10_000, batch=5, rate=2_500, expect_refusals=False)
        wait_until("all is done", lambda: fleet.queue()["completed"] == told["accepted"])
        stats = fleet.json("stats")
        expect(stats["trimmed_early"] > 0, f"no events were given up: {stats}")
        expect(stats["disk_bytes"] <= 48 * MIB, f"more than the disk has: {stats}")
        expect("fewer past events" in log_of(fleet), "the log does not say that events were given up")
        fleet.kill_broker()
        fleet.start_broker()
        expect_books_balance(fleet.queue())
        expect(fleet.queue()["completed"] == told["accepted"], "the books have changed")
        print(f"{told['accepted'] * 10_000 // MIB} MiB of tasks went through a disk of 48 MiB, none refused")


def load(fleet, expect_refusals=True, **options):
    producer = fleet.start_producer(**options)
    out, err = producer.communicate(timeout=240)
    told = json.loads(out)
    expect(expect_refusals or producer.returncode == 0, f"refused: {told} {err!r}")
    return told


def state(fleet, task):
    return fleet.json("task", "show", task)["state"]


def submits(fleet):
    return fleet.try_drover("submit", "nobody.runs", "{}").returncode == 0


def log_of(fleet):
    with open(fleet.path("broker.log")) as lines:
        return lines.read()


disks.own_mounts()
new_tasks_are_refused_and_running_ones_complete()
old_events_make_room()
