"""Two tenants on one secured broker, with a key for each role: nobody sees, changes, hears or runs
what is another's, and everybody sees, changes, hears and runs all that is his."""

import json
import os
import subprocess

from fleet import BIN, Fleet, expect, wait_until

KEYS = {
    "root": ["operator"],
    "gateway": ["service"],
    "acme-producer": ["producer", "--tenant", "acme"],
    "acme-mailer": ["producer", "--tenant", "acme", "--queues", "mail"],
    "acme-reader": ["subscriber", "--tenant", "acme"],
    "acme-worker": ["worker", "--tenant", "acme"],
    "zeta-producer": ["producer", "--tenant", "zeta"],
    "zeta-reader": ["subscriber", "--tenant", "zeta"],
    "zeta-worker": ["worker", "--tenant", "zeta"],
}


class Secured(Fleet):
    """A fleet whose every process has a key; `who` names it."""

    def __init__(self):
        super().__init__()
        made = self.plain("keygen", self.path("broker.key"), "--json")
        self.server_key = json.loads(made)["public_key"]
        for name, (role, *options) in KEYS.items():
            self.plain("key", "create", name, "--role", role, *options, "--out", self.path(name),
                       "--keys-file", self.path("keys.yaml"))
        self.settings = {"security.keys_file": self.path("keys.yaml"),
                         "security.key_file": self.path("broker.key")}

    def plain(self, *arguments):
        return subprocess.run([os.path.join(BIN, "drover"), *arguments], check=True, timeout=60,
                              capture_output=True, text=True, cwd=self.dir).stdout

    def environment(self, who):
        own = {k: v for k, v in os.environ.items() if not k.startswith("DROVER_")}
        return {**own, "DROVER_SECURITY__KEY_FILE": self.path(who),
                "DROVER_SECURITY__SERVER_KEY": self.server_key}

    def ask(self, who, *arguments, code=0):
        """What a command answers to the owner of a key: its JSON, or the error's."""
        done = subprocess.run([os.path.join(BIN, "drover"), "--url", self.url, *arguments, "--json"],
                              capture_output=True, text=True, timeout=60, cwd=self.dir,
                              env=self.environment(who), stdin=subprocess.DEVNULL)
        expect(done.returncode == code,
               f"{who}: {' '.join(arguments)} ended {done.returncode}, not {code}: {done.stdout}{done.stderr}")
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
        return json.loads(lines[-1]) if lines else None

    def refused(self, who, *arguments, code=1):
        error = self.ask(who, *arguments, code=code)["error"]
        return error["code"], error.get("field", "")

    def begin(self):
        self.start_broker(wait=False)
        wait_until("the broker answers", lambda: subprocess.run(
            [os.path.join(BIN, "drover"), "--url", self.url, "ping", "-q"], timeout=60,
            capture_output=True, env=self.environment("root"), cwd=self.dir).returncode == 0)

    def work(self, who):
        process = subprocess.Popen(
            [os.path.join(BIN, "drover-worker"), "--connect", self.connect, "--types", "test.echo"],
            stdout=open(self.path(who + ".log"), "ab"), stderr=subprocess.STDOUT, cwd=self.dir,
            env=self.environment(who), stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def watch(self, who):
        process = subprocess.Popen(
            [os.path.join(BIN, "drover"), "--url", self.url, "watch", "--json", "--since", "beginning"],
            stdout=open(self.path(who + ".ndjson"), "ab"), stderr=subprocess.DEVNULL, cwd=self.dir,
            env=self.environment(who), stdin=subprocess.DEVNULL)
        self.processes.append(process)

    def heard(self, who):
        with open(self.path(who + ".ndjson")) as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]


def submit(fleet, who, *options):
    return fleet.ask(who, "submit", "test.echo", "{}", *options)["id"]


def check_submitting(fleet):
    acme = submit(fleet, "acme-producer", "--delay", "1h")
    expect(fleet.ask("acme-producer", "task", "show", acme)["tenant"] == "acme",
           "a producer's task is of its own tenant though it named none")
    expect(fleet.refused("acme-producer", "submit", "test.echo", "{}", "--tenant", "zeta") ==
           ("FORBIDDEN", "tenant"), "a task for another tenant")
    expect(fleet.refused("acme-mailer", "submit", "test.echo", "{}", "--queue", "bulk") ==
           ("FORBIDDEN", "queue"), "a task for a queue that the key is not for")
    for who in ("acme-reader", "gateway", "acme-worker"):
        expect(fleet.refused(who, "submit", "test.echo", "{}")[0] == "FORBIDDEN", f"{who} submits")
    return acme


def check_tasks(fleet, acme):
    nobodys = "0190f3a2-8c4e-7b61-9d3a-5e2f8a1b7c04"
    for verb in ("show", "cancel", "retry"):
        theirs = str(fleet.ask("zeta-producer", "task", verb, acme, code=4))
        none = str(fleet.ask("zeta-producer", "task", verb, nobodys, code=4))
        expect("NOT_FOUND" in theirs and theirs.replace(acme, nobodys) == none,
               f"{verb} of another's task differs from that of none: {theirs} and {none}")
    expect(fleet.ask("acme-reader", "task", "show", acme)["state"] == "scheduled", "it was changed")
    expect(fleet.refused("acme-reader", "task", "cancel", acme)[0] == "FORBIDDEN", "a reader cancels")
    expect(fleet.ask("gateway", "task", "show", acme)["tenant"] == "acme", "a service sees all")
    expect(fleet.ask("zeta-producer", "task", "list")["tasks"] == [], "another's tasks in a list")
    expect(len(fleet.ask("acme-reader", "task", "list")["tasks"]) == 1, "one's own task in a list")
    expect(fleet.refused("zeta-producer", "task", "list", "--tenant", "acme") ==
           ("FORBIDDEN", "tenant"), "a list of another tenant")
    expect(fleet.ask("zeta-producer", "queue", "list") == [], "another's queues")
    expect([q["tenant"] for q in fleet.ask("gateway", "queue", "list")] == ["acme"], "all queues")
    expect(fleet.ask("acme-producer", "task", "cancel", acme) is not None, "one's own is cancelled")


def check_workers(fleet):
    """No worker of acme ever gets a task of zeta."""
    fleet.work("acme-worker")
    wait_until("the worker is there", lambda: fleet.ask("root", "worker", "list"))
    expect([w["tenant"] for w in fleet.ask("root", "worker", "list")] == ["acme"], "whose worker it is")
    zeta = [submit(fleet, "zeta-producer", "--priority", "critical") for _ in range(5)]
    acme = [submit(fleet, "acme-producer", "--priority", "low") for _ in range(5)]
    mail = submit(fleet, "acme-mailer", "--queue", "mail")
    for task in acme + [mail]:
        wait_until("acme's tasks are done",
                   lambda: fleet.ask("acme-producer", "task", "show", task)["state"] == "completed")
    for task in zeta:
        shown = fleet.ask("zeta-producer", "task", "show", task)
        expect((shown["state"], shown["waiting_for"], shown["attempt"]) == ("ready", "capability", 0),
               f"zeta's task was touched: {shown}")
    fleet.work("zeta-worker")
    for task in zeta:
        wait_until("zeta's tasks are done",
                   lambda: fleet.ask("zeta-producer", "task", "show", task)["state"] == "completed")
    fleet.work("root")  # an operator's key works for everybody
    wait_until("three workers", lambda: len(fleet.ask("root", "worker", "list")) == 3)
    expect(fleet.ask("root", "worker", "list") and
           fleet.refused("acme-reader", "worker", "list")[0] == "FORBIDDEN", "a reader lists workers")
    refused = fleet.work("acme-producer")
    wait_until("a producer's key is turned away by the workers' socket",
               lambda: refused.poll() is not None)
    return set(acme) | {mail}, set(zeta)


def check_watching(fleet, acme, zeta):
    """Each tenant hears of its own tasks: all of them, in order, and of nobody else's."""
    expect(fleet.refused("acme-worker", "watch")[0] == "FORBIDDEN", "a worker's key follows")
    more = {"acme": set(), "zeta": set()}
    for i in range(30):
        tenant = "acme" if i % 3 else "zeta"
        more[tenant].add(submit(fleet, f"{tenant}-producer"))
    logged = {t: [] for t in more}
    fleet.watch("root")
    done = lambda who: {e["subject"] for e in fleet.heard(who) if e["type"] == "task.completed"}
    everything = acme | zeta | more["acme"] | more["zeta"]
    wait_until("the operator heard of all", lambda: done("root") >= everything)
    for event in fleet.heard("root"):
        if event["tenant"] in logged and "seq" in event:
            logged[event["tenant"]].append(event)
    for tenant, own in (("acme", acme | more["acme"]), ("zeta", zeta | more["zeta"])):
        who = tenant + "-reader"
        wait_until(f"{who} heard of all", lambda: done(who) >= own)
        heard = [e for e in fleet.heard(who) if e["type"] != "task.progress"]
        expect(not [e for e in heard if e["type"] == "gap"], f"{who} was told of a gap")
        expect({e["tenant"] for e in heard} == {tenant}, f"{who} heard of others")
        expect(heard[:len(logged[tenant])] == logged[tenant][:len(heard)],
               f"{who} missed events, or heard them in another order")
        print(f"{who}: {len(heard)} events")


def main():
    with Secured() as fleet:
        fleet.begin()
        fleet.watch("acme-reader")  # from before everything, over the live bus
        fleet.watch("zeta-reader")
        check_tasks(fleet, check_submitting(fleet))
        check_watching(fleet, *check_workers(fleet))
        stats = fleet.ask("root", "stats")
        expect(stats["forbidden"] >= 8, f"what was forbidden was not counted: {stats}")
        expect("tasks" not in fleet.ask("acme-reader", "stats"), "totals of all tenants are told to one")


main()
