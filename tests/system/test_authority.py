"""Two tenants on one secured broker, with a key for each role: nobody sees, changes, hears or runs
what is another's, and everybody sees, changes, hears and runs all that is his."""

from fleet import expect, wait_until
from secured import Secured


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
        fleet.start_broker()
        fleet.watch("acme-reader")  # from before everything, over the live bus
        fleet.watch("zeta-reader")
        check_tasks(fleet, check_submitting(fleet))
        check_watching(fleet, *check_workers(fleet))
        stats = fleet.ask("root", "stats")
        expect(stats["forbidden"] >= 8, f"what was forbidden was not counted: {stats}")
        expect("tasks" not in fleet.ask("acme-reader", "stats"), "totals of all tenants are told to one")


main()
