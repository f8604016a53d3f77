"""Gates through the real programs: paused, limited by queue and key, at a rate, behind a named gate;
set at run time, kept across a kill, and told as events."""

import json
import os
import time

from fleet import BIN, Fleet, expect, expect_books_balance, wait_until

SLEEP = '{"ms":150}'


def states(fleet, ids):
    return [fleet.json("task", "show", task)["state"] for task in ids]


def submit(fleet, *options, kind="test.echo", payload="{}"):
    return fleet.json("submit", kind, payload, *options)["id"]


def main():
    with Fleet() as fleet:
        fleet.start_broker()
        fleet.start_worker("--slots", "8")
        a_pause_holds_across_a_kill(fleet)
        one_of_a_key_at_a_time(fleet)
        no_more_of_a_queue_than_it_is_given(fleet)
        no_faster_than_the_rate(fleet)
        behind_a_gate(fleet)
        what_comes_in(fleet)
        bad_settings_change_nothing(fleet)
        events(fleet)
    print("gates open and close as they are told")


def a_pause_holds_across_a_kill(fleet):
    fleet.drover("queue", "pause", "default")
    task = submit(fleet)
    other = submit(fleet, "--queue", "other")
    wait_until("the other queue goes on", lambda: states(fleet, [other]) == ["completed"])
    shown = fleet.json("task", "show", task)
    expect((shown["state"], shown["waiting_for"]) == ("ready", "pause"), f"it does not wait: {shown}")
    fleet.kill_broker()
    fleet.start_broker()
    expect(fleet.json("queue", "show", "default")["settings"] == {"closed": True}, "the pause is gone")
    wait_until("the worker is back", lambda: fleet.json("worker", "list"))
    again = submit(fleet, "--queue", "other")
    wait_until("the other queue goes on", lambda: states(fleet, [again]) == ["completed"])
    expect(states(fleet, [task]) == ["ready"], "a restart resumed the queue")
    fleet.drover("queue", "resume", "default")
    wait_until("it runs", lambda: states(fleet, [task]) == ["completed"])
    expect_books_balance(fleet.queue())


def most_at_once(fleet, ids):
    """Watches until all have ended: how many ran at once by their own account of times."""
    wait_until("all have run", lambda: set(states(fleet, ids)) == {"completed"}, 60)
    spans = []
    for task in ids:
        attempt = fleet.json("task", "show", task)["attempts"][-1]
        spans.append((attempt["started_at"], attempt["finished_at"]))
    # An end and a start within one turn of the broker bear the same time: the end counts first.
    steps = sorted([(end, -1) for _, end in spans] + [(start, 1) for start, _ in spans])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def one_of_a_key_at_a_time(fleet):
    key = ["--concurrency-key", "customer/7"]
    ids = [submit(fleet, *key, kind="test.sleep", payload=SLEEP) for _ in range(5)]
    expect(most_at_once(fleet, ids) == 1, "two tasks of one key ran at once")
    fleet.drover("gate", "set", "customer/7", "concurrency=3")
    fleet.drover("queue", "pause", "default")
    ids = [submit(fleet, *key, kind="test.sleep", payload=SLEEP) for _ in range(9)]
    fleet.drover("queue", "resume", "default")
    expect(most_at_once(fleet, ids) == 3, "not three of a key at once")


def no_more_of_a_queue_than_it_is_given(fleet):
    fleet.drover("queue", "set", "narrow", "concurrency=2", "closed=yes")
    ids = [submit(fleet, "--queue", "narrow", kind="test.sleep", payload=SLEEP) for _ in range(6)]
    fleet.drover("queue", "set", "narrow", "closed=")
    expect(most_at_once(fleet, ids) == 2, "not two of the queue at once")


def no_faster_than_the_rate(fleet):
    fleet.drover("queue", "set", "slow", "rate=20/1s")
    begun = time.monotonic()
    ids = [submit(fleet, "--queue", "slow") for _ in range(30)]
    wait_until("all have run", lambda: fleet.queue("slow")["completed"] == len(ids), 60)
    took = time.monotonic() - begun
    expect(took >= 0.9 * 30 / 20 - 1, f"30 tasks at 20 a second took {took:.2f} s")


def behind_a_gate(fleet):
    fleet.drover("gate", "close", "deploys")
    task = submit(fleet, "--gate", "deploys")
    wait_until("it waits", lambda: fleet.json("task", "show", task).get("waiting_for") == "pause")
    gates = [g for g in fleet.json("gate", "list") if g["name"] == "deploys"]
    expect(len(gates) == 1 and not gates[0]["open"] and gates[0]["waiting"] == 1, f"gate list: {gates}")
    fleet.drover("gate", "open", "deploys")
    wait_until("it runs", lambda: states(fleet, [task]) == ["completed"])


def what_comes_in(fleet):
    fleet.drover("queue", "set", "small", "limit=1", "payload_max=16B", "closed=yes")
    large = fleet.try_drover("submit", "test.echo", '"%s"' % ("x" * 20), "--queue", "small", "--json")
    expect(large.returncode == 2 and "payload_max" in large.stderr, f"too large: {large.stderr}")
    submit(fleet, "--queue", "small")
    full = fleet.try_drover("submit", "test.echo", "{}", "--queue", "small", "--json")
    expect(full.returncode == 1 and "QUEUE_FULL" in full.stderr and "retry_after_ms" in full.stderr,
           f"full: {full.stderr}")
    fleet.drover("queue", "set", "small", "limit=", "closed=")


def bad_settings_change_nothing(fleet):
    before = fleet.json("stats")["seq"]
    for words in (["queue", "set", "q", "rate=5"], ["queue", "set", "q", "weight=3"],
                  ["tenant", "set", "acme", "weight=0"], ["queue", "set", "q", "colour=red"],
                  ["queue", "pause", "new\nline"], ["gate", "set", "k", "concurrency=0"],
                  ["queue", "set", "q", "limit"]):
        refused = fleet.try_drover(*words)
        expect(refused.returncode == 2, f"{words} ended {refused.returncode}: {refused.stderr}")
    expect(fleet.json("stats")["seq"] == before, "a refused setting was written")


def events(fleet):
    """What was set is told, in order; a watcher that comes late hears it too."""
    expected = ["queue.paused", "queue.resumed", "gate.changed", "gate.closed", "gate.opened"]
    watching = fleet.run([os.path.join(BIN, "drover"), "--url", fleet.url, "watch", "--since", "beginning",
                          "--json"])
    told = []
    while expected:
        line = json.loads(watching.stdout.readline())
        if line["type"] == expected[0]:
            told.append(line)
            expected.pop(0)
    expect(told[0]["subject"] == "default" and told[0]["data"]["settings"] == {"closed": True},
           f"told: {told[0]}")
    watching.terminate()
    watching.wait(30)


main()
