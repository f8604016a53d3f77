"""Broker and worker under a service manager: they say when they are ready, that they live, and that
they stop. The manager is a socket, as systemd's is; what it hears is what systemd would act on."""

import os
import signal
import socket
import tempfile

from fleet import Fleet, expect, wait_until

WATCHDOG = 0.4  # seconds: asked of the services


class Manager:
    """Listens where NOTIFY_SOCKET points and remembers every line."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="drover-test-")
        self.path = os.path.join(self.folder.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.05)
        self.lines = []

    def environment(self):
        return {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(int(WATCHDOG * 1_000_000))}

    def hear(self):
        try:
            while True:
                self.lines += self.socket.recv(4096).decode().splitlines()
        except TimeoutError:
            pass
        return self.lines

    def hears(self, line, times=1):
        return self.hear().count(line) >= times

    def is_silent(self):
        """Nothing more comes for as long as four signs of life would have taken."""
        self.hear()
        self.socket.settimeout(2 * WATCHDOG)
        try:
            self.lines += self.socket.recv(4096).decode().splitlines()
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(0.05)


def start_with(manager, start):
    """Runs `start` with the manager's environment; the services inherit it."""
    os.environ.update(manager.environment())
    try:
        return start()
    finally:
        for name in manager.environment():
            del os.environ[name]


def a_service_tells_its_whole_life(name, start):
    manager = Manager()
    process = start_with(manager, start)
    wait_until(f"the {name} is ready", lambda: manager.hears("READY=1"))
    wait_until(f"the {name}, idle, gives signs of life", lambda: manager.hears("WATCHDOG=1", 4))

    os.kill(process.pid, signal.SIGSTOP)
    wait_until(f"the {name} stands still and is silent", manager.is_silent)
    count = manager.lines.count("WATCHDOG=1")
    os.kill(process.pid, signal.SIGCONT)
    wait_until(f"the {name} lives again", lambda: manager.hears("WATCHDOG=1", count + 2))

    expect("STOPPING=1" not in manager.hear(), f"the {name} said STOPPING=1 too early")
    process.terminate()
    wait_until(f"the {name} stops", lambda: manager.hears("STOPPING=1"))
    expect(process.wait(30) == 0, f"the {name} ended {process.returncode}")
    return manager.lines


with Fleet({"broker.heartbeat": "1h", "broker.worker_timeout": "2h"}) as fleet:
    said = a_service_tells_its_whole_life("broker", lambda: fleet.start_broker(wait=False))
    expect("STATUS=taking tasks" in said, f"the broker said {said}")

with Fleet() as fleet:
    fleet.start_broker()
    said = a_service_tells_its_whole_life("worker", lambda: fleet.start_worker("--drain-timeout", "20s"))
    expect("STATUS=connected" in said, f"the worker said {said}")
    # 20 s to drain, 5 s of grace, 10 s to part: a manager that waits less would kill what may finish
    expect("EXTEND_TIMEOUT_USEC=35000000" in said, f"the worker said {said}")

print("a service manager hears when services are ready, alive and stopping")
