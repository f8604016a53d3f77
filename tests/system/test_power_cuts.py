"""The power fails under a working broker, again and again: what was acknowledged before is there, and
no start is refused.

DROVER_POWER_CUTS=200 for a long run; DROVER_SEED repeats the moments. What is acknowledged while the
cut itself is under way proves nothing, for an ext4 that is shut down under a running process may
still answer a sync or two; so what counts is what was told before it began.
"""

import os
import time

import disks
from disks import MIB
from fleet import Fleet, expect, expect_books_balance, seeded, wait_until

CUTS = int(os.environ.get("DROVER_POWER_CUTS") or 10)


def main():
    chance = seeded()
    settings = {"journal.segment": "4MiB", "journal.retain": "32MiB", "limits.queues": "100",
                "broker.recovery_grace": "500ms"}
    with disks.LoopDisk(256 * MIB) as disk:
        with Fleet({**settings, "store.url": f"file:{disk.dir}/data"}) as fleet:
            acknowledged, torn = 0, 0
            fleet.start_broker()
            for cut in range(CUTS):
                told = work_until_power_fails(fleet, disk, chance)
                disk.remount()
                start_again(fleet, cut)
                torn += fleet.json("stats")["torn_tail_bytes"] > 0
                expect_all_known(fleet, told, cut)
                acknowledged += len(told)
            expect(acknowledged > CUTS * 20, f"only {acknowledged} tasks were acknowledged: no test")
            expect_books_balance(fleet.queue())
            print(f"{CUTS} power cuts: {acknowledged} tasks acknowledged, lost 0, refused starts 0, "
                  f"{torn} torn tails cut off")


def work_until_power_fails(fleet, disk, chance):
    """The ids that were acknowledged before the cut began."""
    worker = fleet.start_load_worker(window=50, hold="5ms")
    producer = fleet.start_producer(1_000_000, batch=chance.choice([1, 5, 20]), ids="accepted.txt",
                                    payload=chance.choice([100, 2_000]), rate=5_000, window=20)
    time.sleep(chance.uniform(0.1, 1.0))  # the moment is what varies, nothing waits on it
    wait_until("something was acknowledged", lambda: read_ids(fleet, "accepted.txt"))
    told = read_ids(fleet, "accepted.txt")
    disk.cut_power()
    for process in (fleet.broker, producer, worker):
        process.kill()
        process.wait()
    return told


def start_again(fleet, cut):
    broker = fleet.start_broker(wait=False)
    wait_until("the broker answers or ends",
               lambda: broker.poll() is not None or fleet.try_drover("ping", "-q").returncode == 0)
    expect(broker.poll() is None, f"cut {cut}: the start was refused with {broker.returncode}: "
                                  f"{open(fleet.path('broker.log')).readlines()[-1]}")


# A task that the broker still knows is told as a duplicate; one that it lost would be taken as new.
def expect_all_known(fleet, told, cut):
    with open(fleet.path("told.txt"), "w") as lines:
        lines.writelines(task + "\n" for task in told)
    answer = fleet.finish(fleet.start_producer(0, resend="told.txt", batch=100))
    expect(answer["duplicates"] == len(told), f"cut {cut}: acknowledged and lost: {answer}")


def read_ids(fleet, name):
    """The whole lines: the last one may be half written."""
    try:
        with open(fleet.path(name)) as lines:
            return [line.strip() for line in lines if line.endswith("\n")]
    except FileNotFoundError:
        return []


disks.own_mounts()
main()
