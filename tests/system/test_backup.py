"""Backups of a running broker under load: the copy is a store that opens elsewhere and has all that
was acknowledged before the backup began; what it costs is measured and printed."""

import json
import os
import subprocess
import time

import stores
from fleet import BIN, Fleet, expect, expect_books_balance, wait_until

TASKS = 100_000  # of a phase
ENDLESS = 100_000_000
PHASES = 4  # of each kind


SETTINGS = {"journal.segment": "4MiB", "journal.retain": "32MiB", "limits.queues": "1000"}


def main():
    with Fleet(SETTINGS) as fleet:
        fleet.start_broker()
        refused_where_a_store_is(fleet)
        under_load(fleet)
        a_backup_has_what_was_acknowledged(fleet)
        restored_elsewhere(fleet)
        interrupted_leaves_nothing(fleet)
        what_it_costs(fleet)
        fleet.kill_broker()
        fleet.drover("backup", fleet.path("late"), code=3)
        restore_refuses(fleet)
    overtaken()


def refused_where_a_store_is(fleet):
    fleet.drover("backup", fleet.path("data"), code=73)
    fleet.drover("journal", "verify", fleet.path("data"), code=73)


def under_load(fleet):
    """A store that grows while the copy is taken."""
    fleet.start_load_worker(window=200)
    producer = fleet.start_producer(ENDLESS, batch=50, ids="ids.txt", payload=1500)
    wait_until("the producer is at work",
               lambda: os.path.exists(fleet.path("ids.txt")) and len(acknowledged(fleet)) > 2000)
    before = acknowledged(fleet)
    fleet.acknowledged_before = before
    told = fleet.json("backup", fleet.path("backup"))
    expect(producer.poll() is None, f"the load ended: {producer.returncode}")
    expect(told["segments"] > 1, f"a backup of one segment proves little: {told}")
    expect(told["ok"] and told["newest_seq"] > 0, f"backup: {told}")
    producer.kill()
    producer.wait()
    fleet.backup = told
    wait_until("what was accepted completes", lambda: is_done(fleet.queue()), 120)


def is_done(queue):
    return queue["completed"] == queue["submitted"]


def acknowledged(fleet):
    with open(fleet.path("ids.txt")) as lines:
        return {line.strip() for line in lines if len(line) == 37}


def a_backup_has_what_was_acknowledged(fleet):
    backup = fleet.path("backup")
    told = json.loads(fleet.drover("journal", "verify", backup, "--json"))
    expect(told["newest_seq"] == fleet.backup["newest_seq"], f"{told} is not {fleet.backup}")
    expect(told["marked"] and told["torn_tail_bytes"] == 0, f"verify: {told}")
    known = set()
    for line in fleet.drover("journal", "dump", backup, "--json").splitlines():
        known.add(json.loads(line).get("task"))
    missing = fleet.acknowledged_before - known
    expect(not missing, f"{len(missing)} tasks acknowledged before the backup are not in it")
    print(f"backup under load: {len(fleet.acknowledged_before)} acknowledged before it began, all in it; "
          f"{told['segments']} segments, {told['records']} records")


def restored_elsewhere(fleet):
    target = fleet.path("elsewhere/data")
    os.mkdir(fleet.path("elsewhere"))
    told = json.loads(fleet.drover("restore", fleet.path("backup"), "--data", target, "--json"))
    expect(told["newest_seq"] == fleet.backup["newest_seq"], f"restore: {told}")
    expect(told["store"] != fleet.backup["store"], "a restored store goes by the old one's id")
    other = Fleet(fleet.settings)
    with other:
        os.rename(target, other.path("data"))
        other.start_broker()
        stats = other.json("stats")
        expect(stats["store"] == told["store"], f"another store is open: {stats}")
        queue = other.queue()
        expect_books_balance(queue)
        expect(queue["submitted"] >= len(fleet.acknowledged_before), f"restored: {queue}")
        other.start_load_worker(window=200)
        wait_until("what was waiting or running completes", lambda: is_done(other.queue()), 120)


def interrupted_leaves_nothing(fleet):
    copying = fleet.run([os.path.join(BIN, "drover"), "--url", fleet.url, "backup", fleet.path("partial"),
                         "--rate", "1MiB"])
    wait_until("the copy has begun", lambda: os.path.exists(fleet.path("partial/mark")))
    copying.terminate()
    expect(copying.wait(30) == 143, f"interrupted, it ended {copying.returncode}")
    expect(not os.path.exists(fleet.path("partial")), "a partial copy was left")


def what_it_costs(fleet):
    """Phases with and without a backup take turns, so that what else the machine does hits both."""
    rates = {False: [], True: []}
    for phase in range(2 * PHASES):
        with_backup = phase % 4 in (1, 2)
        begun = time.monotonic()
        producer = fleet.start_producer(TASKS, batch=100)
        backups = 0
        copying = None
        while producer.poll() is None or not fleet.settled():
            if with_backup and not copying:
                copying = start_backup(fleet, f"cost-{phase}-{backups}")
            if copying and copying.poll() is not None:
                expect(copying.returncode == 0, f"a backup failed: {copying.stderr.read()}")
                backups, copying = backups + 1, None
            time.sleep(0.05)
        fleet.finish(producer)
        rates[with_backup].append(TASKS / (time.monotonic() - begun))
        if copying:
            expect(copying.wait(120) == 0, f"a backup failed: {copying.stderr.read()}")
    plain, copied = (sorted(rates[which])[PHASES // 2] for which in (False, True))
    print(f"tasks/s without a backup {plain:.0f}, while backups run without a pause {copied:.0f} "
          f"({100 * copied / plain:.0f} %)")


def start_backup(fleet, name, *options):
    command = [os.path.join(BIN, "drover"), "--url", fleet.url, "backup", fleet.path(name), *options]
    return subprocess.Popen(command,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=fleet.dir)


def overtaken():
    """A copy so slow that meanwhile the broker goes round all of its log."""
    with Fleet({**SETTINGS, "tasks.result_ttl": "0s"}) as fleet:
        data = fleet.path("data")
        fleet.start_broker()
        fleet.start_load_worker(window=200)

        def work():
            fleet.finish(fleet.start_producer(5000, batch=100, payload=1500))
            wait_until("it is done", fleet.settled, 120)

        wait_until("segments are used again", lambda: work() or not os.path.exists(f"{data}/segment-0000000001"))
        before = set(stores.segments(data))
        copying = start_backup(fleet, "slow", "--rate", "1MiB")
        wait_until("the copy has begun", lambda: os.path.exists(fleet.path("slow/mark")))
        while before & set(stores.segments(data)):
            work()
        expect(copying.poll() is None, "the copy was not overtaken")
        expect(copying.wait(120) == 0, f"a backup that was overtaken failed: {copying.stderr.read()}")
    print(f"overtaken: a copy of {len(before)} segments, none of which the broker still had by then, is whole")


def restore_refuses(fleet):
    backup, data = fleet.path("backup"), fleet.path("data")
    before = stores.fingerprint(data)
    fleet.drover("restore", backup, "--data", data, code=73)
    expect(stores.fingerprint(data) == before, "a refused restore changed the store")
    names = stores.segments(backup)
    os.remove(os.path.join(backup, names[-1]))
    fleet.drover("restore", backup, "--data", fleet.path("never"), code=65)
    fleet.drover("restore", fleet.path("nowhere"), "--data", fleet.path("never"), code=4)
    expect(not os.path.exists(fleet.path("never")), "a refused restore left something")


main()
