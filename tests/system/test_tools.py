"""The operator's tools on stores that are whole, torn, damaged, in use and of a later release:
journal verify, journal dump, doctor."""

import json
import os
import shutil
import subprocess

import stores
from fleet import BIN, Fleet, expect, wait_until


def main():
    with Fleet({"journal.segment": "4MiB", "limits.queues": "1000"}) as fleet:
        make_store(fleet)
        doctor_beside_a_running_broker(fleet)
        fleet.kill_broker()
        doctor_of_a_store_at_rest(fleet)
        verify_says_what_is_there(fleet)
        dump_shows_every_record(fleet)
        a_torn_tail_is_no_damage(fleet)
        a_flipped_bit_is_named(fleet)
        nothing_is_made_where_there_is_no_store(fleet)
        a_store_of_a_later_release_is_left_as_it_is(fleet)
    print("the tools tell whole stores from damaged ones")


def make_store(fleet):
    fleet.start_broker()
    fleet.start_worker("--slots", "4")
    wait_until("the worker is there", lambda: fleet.json("worker", "list"))
    fleet.drover("submit", "test.echo", '{"secret":"in-the-payload"}', "--wait")
    fleet.drover("submit", "test.fail", '{"times":9}', "--wait", "--max-attempts", "1", code=5)
    for number in range(20):
        fleet.drover("submit", "test.echo", str(number), "--delay", "1h")
    refused = fleet.try_drover("journal", "verify", fleet.path("data"))
    expect(refused.returncode == 73, f"a store in use: {refused}")


def doctor(fleet, *arguments, code=None):
    done = fleet.try_drover("doctor", "--quick", "--json", *arguments)
    told = json.loads(done.stdout)
    expect(done.returncode == (0 if told["ok"] else 1), f"doctor ended {done.returncode}: {told}")
    expect(code is None or done.returncode == code, f"doctor: {told}")
    for finding in told["findings"]:
        expect((finding["level"] == "ok") == ("advice" not in finding), f"no advice: {finding}")
    return told, {finding["check"]: finding for finding in told["findings"]}


def level(found, check):
    return found[check]["level"]


def doctor_beside_a_running_broker(fleet):
    before = set(os.listdir(fleet.path("data")))
    told, found = doctor(fleet)
    expect(told["broker"] == "running" and told["directory"] == fleet.path("data"), f"{told}")
    for check in ("durability", "store.integrity", "clock", "disk.spares", "fleet", "limits.files",
                  "security.store", "security.exposure", "versions", "versions.zeromq"):
        expect(level(found, check) == "ok", f"{check}: {found[check]}")
    expect(found["durability"]["figures"]["mode"] == "fsync", f"{found['durability']}")
    expect(found["limits.files"]["figures"]["open"] > 3, f"{found['limits.files']}")
    sync = found["disk.sync"]["figures"]
    expect(0 < sync["p50_us"] <= sync["p99_us"] <= sync["max_us"], f"sync: {sync}")
    expect(set(os.listdir(fleet.path("data"))) == before, "the trial of the disk left a file")
    expect("a power cut now loses nothing" in fleet.try_drover("doctor", "--quick").stdout, "no words")


def doctor_of_a_store_at_rest(fleet):
    data = fleet.path("data")
    _, found = doctor(fleet, data)
    expect("not read" in found["store.integrity"]["says"], f"{found['store.integrity']}")
    whole = fleet.try_drover("doctor", data, "--json")
    found = {finding["check"]: finding for finding in json.loads(whole.stdout)["findings"]}
    expect(found["store.integrity"]["figures"]["tasks"] == 22, f"{found['store.integrity']}")

    sick = copy(fleet, "sick")
    name = stores.segments(sick)[0]
    stores.flip_bit(os.path.join(sick, name), 2000)
    os.chmod(sick, 0o755)
    done = fleet.try_drover("doctor", sick, "--json")
    found = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    expect(done.returncode == 1, f"doctor of a damaged store ended {done.returncode}")
    expect(level(found, "store.integrity") == "problem", f"{found['store.integrity']}")
    expect("--repair" in found["store.integrity"]["advice"], f"{found['store.integrity']}")
    expect(level(found, "security.store") == "problem", f"{found['security.store']}")

    with open(fleet.path("open.yaml"), "w") as settings:
        settings.write('security: {insecure: true}\nbroker: {clients: {bind: "tcp://0.0.0.0:7700"}}\n')
    _, found = doctor(fleet, data, "--config", fleet.path("open.yaml"), code=1)
    expect(level(found, "security.exposure") == "problem", f"{found['security.exposure']}")
    with open(fleet.path("memory.yaml"), "w") as settings:
        settings.write('store: {url: "memory:"}\n')
    _, found = doctor(fleet, "--config", fleet.path("memory.yaml"), code=1)
    expect(level(found, "durability") == "problem", f"{found['durability']}")


def copy(fleet, name):
    shutil.copytree(fleet.path("data"), fleet.path(name))
    return fleet.path(name)


def verify(fleet, directory, code=0):
    return json.loads(fleet.drover("journal", "verify", directory, "--json", code=code))


def verify_says_what_is_there(fleet):
    before = stores.fingerprint(fleet.path("data"))
    told = verify(fleet, fleet.path("data"))
    expect(told["ok"] and told["tasks"] == 22 and told["segments"] == 1, f"verify: {told}")
    expect(told["oldest_seq"] == 1 and told["newest_seq"] > 22, f"verify: {told}")
    expect(told["torn_tail_bytes"] == 0 and told["marked"], f"verify: {told}")
    expect("is whole" in fleet.drover("journal", "verify", fleet.path("data")), "no word for people")
    expect(stores.fingerprint(fleet.path("data")) == before, "looking at a store changed it")


def dump_shows_every_record(fleet):
    data = fleet.path("data")
    told = verify(fleet, data)
    lines = [json.loads(line) for line in fleet.drover("journal", "dump", data, "--json").splitlines()]
    expect(len(lines) == told["records"], f"{len(lines)} lines for {told['records']} records")
    numbers = [line["seq"] for line in lines if "seq" in line]
    expect(numbers == list(range(1, told["newest_seq"] + 1)), f"numbers: {numbers}")
    types = {line["type"] for line in lines}
    expect({"task.created", "task.started", "task.completed", "task.dead"} <= types, f"{types}")

    expect("in-the-payload" not in fleet.drover("journal", "dump", data), "a payload was printed")
    expect("in-the-payload" not in fleet.drover("journal", "dump", data, "--json"), "a payload was printed")
    shown = fleet.drover("journal", "dump", data, "--json", "--payloads")
    payloads = [json.loads(line).get("payload") for line in shown.splitlines()]
    expect({"secret": "in-the-payload"} in payloads, f"payloads: {payloads}")

    dead = fleet.drover("journal", "dump", data, "--json", "--type", "task.dead").splitlines()
    expect(len(dead) == 1 and json.loads(dead[0])["reason"] == "attempts", f"dead: {dead}")
    late = fleet.drover("journal", "dump", data, "--since", str(told["newest_seq"] - 3)).splitlines()
    expect(len(late) == 3, f"the last three: {late}")


def a_torn_tail_is_no_damage(fleet):
    data = copy(fleet, "torn")
    segment = os.path.join(data, stores.segments(data)[-1])
    *_, (offset, size, first, _) = stores.groups(segment)
    os.remove(os.path.join(data, "mark"))  # which knows that this group was whole
    stores.write(segment, offset + size - 16, bytes(16))
    told = verify(fleet, data)
    expect(told["torn_tail_bytes"] == size and told["newest_seq"] == first - 1, f"torn: {told}")
    expect(not told["marked"], f"torn: {told}")


def a_flipped_bit_is_named(fleet):
    data = copy(fleet, "flipped")
    name = stores.segments(data)[0]
    offset, size, *_ = list(stores.groups(os.path.join(data, name)))[3]
    stores.flip_bit(os.path.join(data, name), offset + size // 2)
    told = verify(fleet, data, code=65)
    expect(not told["ok"] and told["code"] == "STORE_DAMAGED", f"flipped: {told}")
    expect(told["damage"]["file"] == name and told["damage"]["offset"] == offset, f"flipped: {told}")
    dumped = fleet.try_drover("journal", "dump", data)
    expect(dumped.returncode == 65 and len(dumped.stdout.splitlines()) >= 3, f"dump: {dumped}")
    expect(str(offset) in dumped.stderr, f"dump: {dumped.stderr}")


def nothing_is_made_where_there_is_no_store(fleet):
    fleet.drover("journal", "verify", fleet.path("nowhere"), code=4)
    expect(not os.path.exists(fleet.path("nowhere")), "looking made a folder")
    os.mkdir(fleet.path("empty"))
    fleet.drover("journal", "dump", fleet.path("empty"), code=4)
    expect(os.listdir(fleet.path("empty")) == [], "looking made a file")


def a_store_of_a_later_release_is_left_as_it_is(fleet):
    data = copy(fleet, "newer")
    stores.make_newer(os.path.join(data, stores.segments(data)[-1]))
    before = stores.fingerprint(data)
    told = verify(fleet, data, code=78)
    expect(told["code"] == "STORE_TOO_NEW", f"newer: {told}")
    fleet.drover("journal", "dump", data, code=78)
    fleet.drover("restore", data, "--data", fleet.path("never"), code=78)
    expect(not os.path.exists(fleet.path("never")), "a refused restore left something")
    argv = [os.path.join(BIN, "drover-broker"), "--store.url=file:" + data,
            f"--broker.clients.bind={fleet.url}", f"--broker.workers.bind={fleet.connect}",
            f"--broker.status.bind={fleet.status}"]
    broker = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=fleet.dir)
    expect(broker.returncode == 78, f"the broker ended {broker.returncode}: {broker.stderr}")
    expect(stores.fingerprint(data) == before, "a store of a later release was touched")


main()
