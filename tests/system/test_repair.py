"""Twenty damaged stores: flipped bits, zeroed sectors, truncated and missing segments. What is whole
is back in a new store that a broker opens, what is missing is named, the old one is not touched."""

import json
import os
import shutil

import stores
from fleet import Fleet, expect, expect_books_balance, seeded, wait_until

SETTINGS = {"journal.segment": "4MiB", "limits.queues": "1000"}
ENDED = ("completed", "dead", "cancelled", "expired")
OPENED = (0, 7, 14, 19)  # which of the repaired stores a broker is started on


class Base:
    """The store before the damage: every record with its place."""

    def __init__(self, fleet):
        self.path = fleet.path("data")
        dump = fleet.drover("journal", "dump", self.path, "--json")
        self.records = [json.loads(line) for line in dump.splitlines()]
        self.segments = stores.segments(self.path)
        self.first = int(self.segments[0].split("-")[1])
        self.tasks = {}  # id -> its records, oldest first
        for record in self.records:
            if "task" in record and record["type"] != "carried.key":
                self.tasks.setdefault(record["task"], []).append(record)

    def name(self, record):
        return f"segment-{record['segment']:010}"

    def end(self, name):
        *_, (offset, size, _, _) = stores.groups(os.path.join(self.path, name))
        return offset + size


def main():
    chance = seeded()
    with Fleet(SETTINGS) as fleet:
        make_store(fleet)
        base = Base(fleet)
        expect(len(base.segments) >= 4, f"only {base.segments}")
        damages = list(plan(base, chance))
        expect(len(damages) == 20, f"{len(damages)} damages")
        for number, (what, damage) in enumerate(damages):
            told = repair(fleet, base, number, what, damage)
            print(f"{number:2} {what}: {told['tasks']} tasks saved, {len(told['gaps'])} gaps, "
                  f"{told['uncertain_count']} uncertain, {told['lost_count']} lost")
        a_whole_store_needs_none(fleet, base)
        refusals(fleet, base)


def make_store(fleet):
    fleet.start_broker()
    worker = fleet.start_load_worker(window=100)
    fleet.finish(fleet.start_producer(4000, batch=100, payload=1500))
    wait_until("they complete", lambda: fleet.queue()["completed"] == 4000, 120)
    worker.terminate()
    worker.wait()
    fleet.finish(fleet.start_producer(2500, batch=100, payload=1500, delay="1h"))
    fleet.start_worker("--slots", "4")
    wait_until("the worker is there", lambda: fleet.json("worker", "list"))
    for _ in range(10):
        fleet.drover("submit", "test.fail", '{"times":9}', "--max-attempts", "2",
                     "--backoff-base", "1ms")
    wait_until("ten are dead", lambda: fleet.queue()["dead"] == 10)
    for _ in range(6):
        fleet.drover("submit", "test.sleep", '{"ms":60000}')
    wait_until("four run", lambda: fleet.queue()["running"] == 4)
    fleet.finish(fleet.start_producer(2500, batch=100, payload=1500, delay="2h"))
    fleet.kill_broker()


# --- damages: what is done to a copy, and the bytes of which file it spoils

def plan(base, chance):
    middle = base.segments[len(base.segments) // 2]
    oldest, newest = base.segments[0], base.segments[-1]
    for record in chance.sample(base.records, 6):
        at = record["offset"] + chance.randrange(record["bytes"])
        yield f"a bit of {base.name(record)}", flip(base.name(record), at)
    for name in (oldest, middle, newest):
        yield f"a bit of the header of {name}", flip(name, chance.randrange(8, 500), header=True)
    for name, size in ((oldest, 512), (middle, 512), (newest, 512), (middle, 65536), (oldest, 65536)):
        at = chance.randrange(1, (base.end(name) - size) // 512) * 512
        yield f"{size} zeros in {name}", zero(name, at, size)
    yield f"half of {middle} is cut off", cut(middle, 2 * 1024 * 1024, base)
    yield f"half of {newest} is cut off", cut(newest, base.end(newest) // 2 // 8 * 8, base)
    yield f"{newest} is cut within its header", cut(newest, 100, base)
    for name in (oldest, middle, newest):
        yield f"{name} is missing", lose(name, base)


def flip(name, at, header=False):
    def damage(data):
        stores.flip_bit(os.path.join(data, name), at, 3)
        return (name, 0, stores.HEADER_BYTES) if header else (name, at, at + 1)
    return damage


def zero(name, at, size):
    def damage(data):
        stores.write(os.path.join(data, name), at, bytes(size))
        return name, at, at + size
    return damage


def cut(name, size, base):
    def damage(data):
        os.truncate(os.path.join(data, name), size)
        return name, size if size > stores.HEADER_BYTES else 0, base.end(name)
    return damage


def lose(name, base):
    def damage(data):
        os.remove(os.path.join(data, name))
        return name, 0, base.end(name)
    return damage


# --- what a repair must come to

def repair(fleet, base, number, what, damage):
    data, new = fleet.path(f"damaged-{number}"), fleet.path(f"repaired-{number}")
    shutil.copytree(base.path, data)
    spoiled = damage(data)
    before = stores.fingerprint(data)
    fleet.drover("journal", "verify", data, code=65)
    told = fleet.json("doctor", data, "--repair", "--to", new)
    expect(stores.fingerprint(data) == before, f"{what}: the damaged store was touched")
    expect(told["ok"] and not told["whole"] and told["gaps"], f"{what}: {told}")
    name, start, end = spoiled
    expect(any(gap["file"] == name and (gap["to"] == 0 or gap["from"] <= start < gap["to"])
               for gap in told["gaps"]), f"{what}: {spoiled} is in none of {told['gaps']}")
    judge(fleet, base, what, spoiled, told, new)
    if number in OPENED:
        open_with_broker(fleet, what, new, told)
    shutil.rmtree(data)
    shutil.rmtree(new)
    return told


def judge(fleet, base, what, spoiled, told, new):
    name, start, end = spoiled

    def is_spoiled(record):
        place = record["offset"] - 8  # its header
        return base.name(record) == name and place < end and record["offset"] + record["bytes"] > start

    kept = {}
    for line in fleet.drover("journal", "dump", new, "--json").splitlines():
        record = json.loads(line)
        if record["type"] == "carried.task":
            kept[record["task"]] = record
    expect(len(kept) == told["tasks"], f"{what}: {len(kept)} tasks are there: {told['tasks']} were told")
    lost = {task["id"] for task in told["lost"]}
    uncertain = {task["id"] for task in told["uncertain"]}
    for task, records in base.tasks.items():
        whole = [r for r in records if r["type"] in ("task.created", "task.completed", "carried.task")]
        readable = [r for r in records if not is_spoiled(r)]
        if not any(not is_spoiled(r) for r in whole):
            expect(task not in kept, f"{what}: {task} came back from nowhere")
            named = task in lost or not readable or readable[-1]["state"] in ENDED
            expect(named, f"{what}: {task} is gone and nobody says so")
            continue
        expect(task in kept, f"{what}: {task} was whole and is gone")
        if not is_spoiled(records[-1]):
            expect(kept[task]["state"] == records[-1]["state"], f"{what}: {task} is in another state")
            expect(kept[task]["attempt"] == records[-1]["attempt"], f"{what}: {task}: another attempt")
        elif kept[task]["state"] not in ENDED:
            expect(task in uncertain, f"{what}: {task} may be older than it was, nobody says so")
    spoiled_events = sum(1 for record in base.records if "seq" in record and is_spoiled(record))
    expect(told["events_missing"] is None or told["events_missing"] == spoiled_events,
           f"{what}: {spoiled_events} events are gone: {told['events_missing']} were told")
    for record in base.records:
        if "seq" in record and is_spoiled(record):
            expect(any(may_hold(gap, record["seq"]) for gap in told["gaps"]),
                   f"{what}: event {record['seq']} is missing, unnamed")


def may_hold(gap, seq):
    return "first_seq" in gap and (gap["first_seq"] or 0) <= seq <= (gap["last_seq"] or seq)


def open_with_broker(fleet, what, new, told):
    with Fleet(SETTINGS) as other:
        shutil.copytree(new, other.path("data"))
        other.start_broker()
        stats = other.json("stats")
        expect(stats["tasks"] == told["tasks"] and stats["store"] == told["store"], f"{what}: {stats}")
        expect_books_balance(other.queue())
        other.start_worker("--slots", "4")
        wait_until("the worker is there", lambda: other.json("worker", "list"))
        other.drover("submit", "test.echo", "1", "--wait")


def a_whole_store_needs_none(fleet, base):
    told = fleet.json("doctor", base.path, "--repair", "--to", fleet.path("unneeded"))
    expect(told["whole"] and not os.path.exists(fleet.path("unneeded")), f"whole: {told}")


def refusals(fleet, base):
    data = fleet.path("refused")
    shutil.copytree(base.path, data)
    os.remove(os.path.join(data, base.segments[0]))
    fleet.drover("doctor", data, "--repair", "--to", base.path, code=73)
    text = fleet.drover("doctor", data, "--repair")
    expect(base.segments[0] in text and "Saved" in text, f"text: {text}")
    expect(os.path.isdir(data + ".repaired"), "not beside the old one")
    fleet.drover("doctor", data, "--repair", code=73)  # there is one now
    stores.make_newer(os.path.join(data, base.segments[-1]))
    fleet.drover("doctor", data, "--repair", "--to", fleet.path("never"), code=78)
    expect(not os.path.exists(fleet.path("never")), "a refused repair left something")


main()
