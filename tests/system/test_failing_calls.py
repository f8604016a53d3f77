"""A real broker on a disk whose Nth call fails, for N = 1, 2, 3 ... until a run is clean: it never dies
of a signal, it leaves with a documented code or goes on, and every task that was acknowledged is
there when it starts again. A sync that fails loses what was written since the one before, so that
an acknowledgement which did not wait for it would be missed.

The standard run takes a sample of the calls. DROVER_FAULTS_FULL=1 takes all of them."""

import json
import os
import shutil
import subprocess
import time

from fleet import Fleet, expect, wait_until

SETTINGS = {  # the smallest journal, so that its files come and go, and payloads are read back
    "limits.message_max": "64KiB", "limits.payload_max": "32KiB", "limits.result_max": "32KiB",
    "limits.queues": "100", "journal.segment": "4MiB", "journal.retain": "16MiB",
    "store.payload_memory": "1MiB",
}
FULL = os.environ.get("DROVER_FAULTS_FULL") == "1"
SAMPLE = (1, 4, 13, 40)  # of N, in the standard run
TASKS = 400  # of a run: more than a segment holds
MOST = 10_000  # N at which something must be wrong with the count
ENDS_WITHIN = 1.0  # seconds from a failed sync to the end of the broker

# The journal's calls, and how they fail.
FATAL = {
    "open": ("EMFILE", "EIO", "ENOSPC"), "pread": ("EIO",), "pwrite": ("ENOSPC", "EIO", "EDQUOT"),
    "fdatasync": ("EIO", "ENOSPC", "EINTR"), "fsync": ("EIO",),
    "fallocate": ("ENOSPC", "EIO", "EDQUOT"), "rename": ("EIO", "ENOSPC"), "unlink": ("EIO",),
    "flock": ("ENOMEM",),
}
STICKY = {"pwrite": ("ENOSPC",), "fdatasync": ("EIO",), "fallocate": ("ENOSPC",), "pread": ("EIO",)}
# What nobody may notice: the broker repeats the call, or goes on with what it moved.
HARMLESS = {
    "open": ("EINTR",), "pread": ("EINTR", "short"), "pwrite": ("EINTR", "short"),
    "fallocate": ("EINTR",), "flock": ("EINTR",),
}


class Plan:
    def __init__(self, call, fault, sticky=False, harmless=False):
        self.call, self.fault, self.sticky, self.harmless = call, fault, sticky, harmless

    def is_final(self):
        """A sync that fails ends the broker, whatever it says."""
        return "sync" in self.call

    def at(self, number):
        return f"{self.call}:{number}:{self.fault}" + ":sticky" * self.sticky


def plans():
    for kinds, how in ((FATAL, {}), (STICKY, {"sticky": True}), (HARMLESS, {"harmless": True})):
        for call, faults in kinds.items():
            for fault in faults if FULL else faults[-1:]:
                yield Plan(call, fault, **how)


class Run:
    """One life of a broker under a plan; what must be true of it, and of the store it leaves."""

    def __init__(self, fleet, plan, number, template):
        self.fleet, self.plan, self.template = fleet, plan, template
        self.spec = plan.at(number)
        self.name = self.spec + (" on a used store" if template else " on a new store")
        self.data, self.log = fleet.path("data"), fleet.path("failed.txt")
        self.ids = fleet.path("accepted.txt")

    def play(self):
        self.prepare()
        broker = self.fleet.start_broker(wait=False, FAIL_CALL=self.spec, FAIL_LOG=self.log)
        producer = self.fleet.start_producer(TASKS, batch=8, window=2, payload=8000, timeout="20s",
                                             ids="accepted.txt")
        worker = self.fleet.start_load_worker()
        wait_until(f"{self.name}: the tasks are submitted, or the broker has ended",
                   lambda: broker.poll() is not None or producer.poll() is not None, 60)
        self.expect_no_leak(broker)
        if broker.poll() is None:
            broker.terminate()
            wait_until(f"{self.name}: the broker stops", lambda: broker.poll() is not None)
        self.seconds = self.since_failure()
        for process in (producer, worker):
            process.kill()
            process.communicate()
        self.met = os.path.exists(self.log)
        self.expect_documented(broker.returncode)
        self.expect_all_there()
        self.fleet.processes.clear()
        return self

    def prepare(self):
        shutil.rmtree(self.data, ignore_errors=True)
        for path in (self.log, self.ids):
            if os.path.exists(path):
                os.remove(path)
        if self.template:
            subprocess.run(["cp", "-a", "--sparse=always", self.template, self.data], check=True)

    def since_failure(self):
        if not os.path.exists(self.log):
            return 0.0
        with open(self.log) as lines:
            return max(0.0, time.time() - int(lines.readline().split()[2]) / 1000)

    def expect_documented(self, code):
        if not self.met or self.plan.harmless:
            expect(code == 0, f"{self.name}: the broker ended {code}")
        elif self.plan.is_final():
            expect(code == 74, f"{self.name}: the broker ended {code} after a failed sync")
        else:
            expect(code in (0, 74), f"{self.name}: the broker ended {code}")

    def expect_no_leak(self, broker):
        """No file of the store stays open twice, nor one that is gone."""
        def sound():
            files = [link for link in links_of(broker.pid) if link.startswith(self.data + "/")]
            return len(files) == len(set(files)) and not any("(deleted)" in file for file in files)
        wait_until(f"{self.name}: no descriptor is left over", sound)

    def expect_all_there(self):
        accepted = self.accepted()
        self.acknowledged = len(accepted)
        if self.plan.harmless or not self.met:
            expect(len(accepted) == TASKS, f"{self.name}: {len(accepted)} of {TASKS} tasks were accepted")
        self.fleet.start_broker()
        known = known_of(self.fleet, accepted)
        expect(known == len(accepted),
               f"{self.name}: {len(accepted) - known} of {len(accepted)} acknowledged tasks are gone")
        self.fleet.kill_broker()

    def accepted(self):
        if not os.path.exists(self.ids):
            return []
        with open(self.ids) as lines:
            return [line.strip() for line in lines if line.endswith("\n")]


def links_of(pid):
    links = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    except OSError:
        pass  # the process has ended, or closed it just now
    return links


def known_of(fleet, ids):
    """How many of these tasks the broker has: a second submission of one is a duplicate."""
    if not ids:
        return 0
    tasks = "".join(json.dumps({"id": task, "type": "load", "payload": 1}) + "\n" for task in ids)
    return json.loads(fleet.try_drover("submit", "--batch", "-", "--json", stdin=tasks).stdout)["duplicates"]


def make_template(fleet):
    """A store whose next tasks begin a segment, clean the oldest and use its file again."""
    fleet.start_broker()
    worker = fleet.start_load_worker()
    fleet.finish(fleet.start_producer(1800, batch=8, payload=8000))
    wait_until("the tasks are done", lambda: fleet.queue()["completed"] == 1800)
    fleet.broker.terminate()
    fleet.broker.wait()
    worker.kill()
    worker.communicate()
    fleet.processes.clear()
    os.rename(fleet.path("data"), fleet.path("template"))
    return fleet.path("template")


class Tally:
    def __init__(self):
        self.runs = self.met = self.acknowledged = 0
        self.latest = 0.0

    def add(self, run):
        self.runs += 1
        self.met += run.met
        self.acknowledged += run.acknowledged
        if run.met and run.plan.is_final():
            self.latest = max(self.latest, run.seconds)


def sweep(fleet, plan, template, tally):
    """N = 1, 2, 3 ... until a run is clean; the sample of them in a standard run."""
    for number in range(1, MOST) if FULL else SAMPLE:
        run = Run(fleet, plan, number, template).play()
        if run.met and plan.is_final() and run.seconds > ENDS_WITHIN:  # a busy machine? ask again
            run = Run(fleet, plan, number, template).play()
            expect(run.seconds <= ENDS_WITHIN, f"{run.name}: the broker ended after {run.seconds:.1f} s")
        tally.add(run)
        if not run.met:
            if FULL:
                print(f"{run.name}: clean, and so are those before it", flush=True)
            return
    expect(not FULL, f"{plan.at(MOST)}: no run is clean")


def main():
    with Fleet(SETTINGS) as fleet:
        template = make_template(fleet)
        tally = Tally()
        for plan in plans():
            for store in (None, template):
                sweep(fleet, plan, store, tally)
        expect(tally.met >= 40, f"only {tally.met} calls failed")
        print(f"{tally.runs} lives of a broker, in {tally.met} of them a call failed: {tally.acknowledged} "
              f"tasks were acknowledged, lost 0; {tally.latest:.2f} s at most from a failed sync to the end")


main()
