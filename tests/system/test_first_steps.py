"""What the README shows, as a session: submit, wait, fail, retry, dead letters, a command as worker,
cancel, idempotency, exit codes."""

import json
import os

from fleet import BIN, Fleet, expect, wait_until


def main():
    with Fleet({"broker.recovery_grace": "5s"}) as fleet:
        fleet.drover("ping", code=3)  # nobody there yet
        fleet.start_broker()
        warned = fleet.try_drover("submit", "nobody.runs.this", "{}")
        expect(warned.returncode == 0 and "no worker" in warned.stderr, f"no warning: {warned.stderr}")
        fleet.start_worker("--slots", "4")
        wait_until("the worker is there", lambda: fleet.json("worker", "list"))
        echo(fleet)
        failures(fleet)
        commands(fleet)
        cancelling(fleet)
        repeating(fleet)
        batches(fleet)
        lists(fleet)
        refusals(fleet)
    print("the first steps work")


def echo(fleet):
    out = fleet.drover("submit", "test.echo", '{"a":1}', "--wait")
    expect(json.loads(out) == {"a": 1}, f"echo gave {out}")
    task = fleet.json("submit", "test.echo", '{"a":1}', "--wait")
    expect(task["state"] == "completed" and task["result"] == {"a": 1}, f"task: {task}")


def failures(fleet):
    fast = ("--backoff-base", "20ms")
    task = fleet.json("submit", "test.fail", '{"times":2}', "--wait", *fast)
    expect((task["state"], task["attempt"]) == ("completed", 3), f"task: {task}")
    outcomes = [a["outcome"] for a in task["attempts"]]
    expect(outcomes == ["failed", "failed", "completed"], f"outcomes: {outcomes}")

    done = fleet.try_drover("submit", "test.fail", '{"times":9}', "--wait", "--json",
                            "--max-attempts", "2", *fast)
    expect(done.returncode == 5, f"a dead task ended {done.returncode}: {done.stderr}")
    dead = json.loads(done.stdout)
    expect(dead["state"] == "dead", f"task: {dead}")
    listed = fleet.json("dlq", "list")
    expect([d["id"] for d in listed] == [dead["id"]], f"dlq: {listed}")
    shown = fleet.json("dlq", "show", dead["id"])
    errors = [a["error"]["code"] for a in shown["attempts"]]
    expect(len(errors) == 2 and all(errors), f"attempts: {shown['attempts']}")
    fleet.drover("dlq", "retry", dead["id"])
    again = wait_until("it is dead again", lambda: dead_with(fleet, dead["id"], attempts=4))
    expect([a["attempt"] for a in again["attempts"]] == [1, 2, 3, 4], "the history was not kept")


def dead_with(fleet, task, attempts):
    shown = fleet.json("task", "show", task)
    return shown if shown["state"] == "dead" and shown["attempt"] == attempts else None


def commands(fleet):
    worker = fleet.run([os.path.join(BIN, "drover"), "--url", fleet.url, "work", "text.upper",
                        "--slots", "2", "--prefetch", "1", "--drain-timeout", "5s",
                        "--capability", "letters", "--label", "zone=a", "--label", "disk=fast",
                        "--", "tr", "a-z", "A-Z"], log="work.log")
    out = fleet.drover("submit", "text.upper", '"hello"', "--require", "letters", "--label", "zone=a",
                       "--label", "disk=fast", "--wait", "--wait-timeout", "20s")
    expect(out.strip() == '"HELLO"', f"tr gave {out!r}")
    seen = [w for w in fleet.json("worker", "list") if w["types"] == ["text.upper"]]
    expect(len(seen) == 1 and seen[0]["slots"] == 2 and "letters" in seen[0]["capabilities"], f"{seen}")
    worker.terminate()
    expect(worker.wait(20) == 0, f"drover work ended {worker.returncode}")


def cancelling(fleet):
    task = fleet.json("submit", "test.sleep", '{"ms":60000}')["id"]
    wait_until("it runs", lambda: fleet.json("task", "show", task)["state"] == "running")
    fleet.drover("task", "cancel", task)
    expect(fleet.json("task", "show", task)["state"] == "cancelled", "it is not cancelled")
    wait_until("its slot is free", lambda: all(w["running"] == 0 for w in fleet.json("worker", "list")))
    later = fleet.json("submit", "test.echo", "1", "--delay", "1h")["id"]
    fleet.drover("task", "cancel", later)
    fleet.drover("task", "retry", later)
    wait_until("it ran after all", lambda: fleet.json("task", "show", later)["state"] == "completed")


def repeating(fleet):
    first = fleet.json("submit", "test.echo", "1", "--idempotency-key", "k")
    second = fleet.json("submit", "test.echo", "1", "--idempotency-key", "k")
    expect(second["id"] == first["id"] and second["duplicate"], f"not the same: {second}")
    third = fleet.try_drover("submit", "test.echo", "2", "--idempotency-key", "k", "--json")
    error = json.loads(third.stderr)["error"]
    expect(third.returncode == 1 and error["code"] == "IDEMPOTENCY_CONFLICT", f"{third}")


def batches(fleet):
    with open(fleet.path("tasks.ndjson"), "w", encoding="utf-8") as file:
        file.write('{"type":"test.echo"}\n' * 30 + "nonsense\n" * 12)
    first = fleet.try_drover("submit", "--batch", "tasks.ndjson", "--json")
    expect(first.returncode == 1, f"it ended {first.returncode}")
    expect(json.loads(first.stdout) == {"accepted": 30, "duplicates": 0, "refused": 12}, first.stdout)
    lines = [json.loads(line) for line in first.stderr.splitlines()]
    expect([line["line"] for line in lines] == list(range(31, 43)), f"{lines}")
    again = fleet.try_drover("submit", "--batch", "tasks.ndjson")
    expect("0 accepted, 30 known already, 12 refused" in again.stderr, again.stderr)
    expect("unchanged file" in again.stderr and "2 of them not shown" in again.stderr, again.stderr)


def lists(fleet):
    """Page by page gives what one long list gives."""
    whole = [t["id"] for t in fleet.json("task", "list", "--limit", "1000")["tasks"]]
    pages, cursor = [], []
    while cursor is not None:
        page = fleet.json("task", "list", "--limit", "7", *cursor)
        pages += [t["id"] for t in page["tasks"]]
        cursor = ["--cursor", str(page["next_cursor"])] if page["next_cursor"] is not None else None
    expect(pages == whole and len(whole) > 30, f"{len(pages)} of {len(whole)} tasks")


def refusals(fleet):
    fleet.drover("task", "show", "01900000-0000-7000-8000-000000000000", code=4)
    fleet.drover("submit", "test.sleep", '{"ms":60000}', "--wait", "--wait-timeout", "1s", code=6)
    fleet.drover("submit", "bad name", "{}", code=2)
    fleet.drover("submit", "test.echo", "1", "--id", "01900000-0000-7000-8000-000000000000", code=2)
    fleet.drover("submit", code=2)
    fleet.drover("nonsense", code=2)
    before = fleet.queue()["submitted"]
    big = fleet.try_drover("submit", "test.echo", "-", "--json", stdin=json.dumps("x" * 300_000))
    expect(json.loads(big.stderr)["error"]["code"] == "PAYLOAD_TOO_LARGE", f"{big.stderr}")
    expect(big.returncode == 2, f"it ended {big.returncode}")
    expect(fleet.queue()["submitted"] == before, "a refused task was counted")


main()
