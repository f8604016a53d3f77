"""A disk that fails for good: its file lies on a tmpfs that is smaller than it, so that writes which
the file system had promised room for fail. The broker says so, ends with 74, and acknowledges
nothing more; on the disk made well again it starts with all that it had acknowledged."""

import os
import signal

import disks
from disks import MIB
from fleet import Fleet, expect, expect_books_balance, wait_until

DAMAGED, IO_FAILED = 65, 74


def main():
    with disks.MemoryDisk(24 * MIB) as memory, disks.LoopDisk(128 * MIB, below=memory.dir) as disk:
        settings = {"journal.segment": "4MiB", "limits.queues": "100",
                    "store.url": f"file:{disk.dir}/data"}
        with Fleet(settings) as fleet:
            broker = fleet.start_broker()
            producer = fleet.start_producer(20_000, batch=5, payload=10_000, ids="accepted.txt")
            wait_until("the broker has ended", lambda: broker.poll() is not None, 60)
            expect(broker.returncode == IO_FAILED, f"the broker ended {broker.returncode}")
            end_process(producer)
            acknowledged = read(fleet, "accepted.txt").split()
            expect(len(acknowledged) > 100, f"only {len(acknowledged)} were acknowledged: no test")
            last = [line for line in read(fleet, "broker.log").splitlines() if line][-1]
            expect(disk.dir in last, f"the log does not say where: {last}")

            memory.grow(512 * MIB)
            disk.remount()
            start_again(fleet, acknowledged)


# A start, or a refusal that says what is wrong and where: never a start with less.
def start_again(fleet, acknowledged):
    broker = fleet.start_broker(wait=False)
    wait_until("the broker has started or ended",
               lambda: broker.poll() is not None or fleet.try_drover("ping", "-q").returncode == 0)
    if broker.poll() is not None:
        last = read(fleet, "broker.log").splitlines()[-1]
        expect(broker.returncode in (DAMAGED, IO_FAILED), f"it ended {broker.returncode}: {last}")
        expect("offset" in last or "/data/" in last, f"the refusal does not say where: {last}")
        print(f"{len(acknowledged)} tasks acknowledged, then the disk failed: exit 74, and the start "
              f"afterwards is refused with {broker.returncode}: {last}")
        return
    told = fleet.finish(fleet.start_producer(0, resend="accepted.txt", batch=50))
    expect(told["duplicates"] == len(acknowledged), f"acknowledged and lost: {told}")
    expect_books_balance(fleet.queue())
    print(f"{len(acknowledged)} tasks acknowledged, then the disk failed: exit 74, and all of them "
          "are there afterwards")


def end_process(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def read(fleet, name):
    with open(fleet.path(name)) as lines:
        return lines.read()


disks.own_mounts()
main()
