"""A fleet of real processes for a test: a broker, workers, producers, on free ports and in a
directory of its own. Everything that was started is ended, by pid, when the `with` block is left.

    with Fleet() as fleet:
        fleet.start_broker()
        fleet.start_worker()
        fleet.drover("submit", "test.echo", "{}", "--wait")
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = os.environ.get("DROVER_BIN") or os.path.join(
    os.path.dirname(__file__), "../../build/release/bin")
LOAD = os.path.join(BIN, "../bench/bench_load")
SHIM = os.path.realpath(os.path.join(BIN, "../tests/fail_call.so"))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_until(what, condition, seconds=30.0):
    """Asks until the condition holds; fails the test with `what` when it never does."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def fail(message):
    print(f"FAILED: {message}", file=sys.stderr)
    raise SystemExit(1)


def expect(condition, message):
    if not condition:
        fail(message)


def under_shim(program, directory, **plan):
    """The environment in which `program` meets a disk that fails or is slow below `directory`: see
    tests/faults/shim/fail_call.cpp. under_shim(broker, data, FAIL_CALL="fdatasync:3:EIO")"""
    expect(os.path.exists(SHIM), f"there is no {SHIM}: build the target drover_fail_call")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True).stdout.split()
    sanitizer = [word for word in linked if word.startswith("/") and "/libasan" in word]
    plan.setdefault("FAIL_DIR", directory)
    return {"LD_PRELOAD": " ".join(sanitizer + [SHIM]),  # the sanitizer wants to be first
            **{"DROVER_" + name: value for name, value in plan.items()}}


class Fleet:
    def __init__(self, settings=None):
        self.settings = settings or {}
        self.dir = tempfile.mkdtemp(prefix="drover-test-")
        clients, workers, status = free_ports(3)
        self.url = f"tcp://127.0.0.1:{clients}"
        self.connect = f"tcp://127.0.0.1:{workers}"
        self.status = f"tcp://127.0.0.1:{status}"
        self.processes = []
        self.broker = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        if kind is None:
            shutil.rmtree(self.dir)
        else:
            print(f"left for you: {self.dir}", file=sys.stderr)

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, argv, log=None, env=None, **options):
        out = open(self.path(log), "ab") if log else subprocess.PIPE
        env = {k: v for k, v in os.environ.items() if not k.startswith("DROVER_")} | (env or {})
        process = subprocess.Popen(argv, stdout=out, stderr=out if log else subprocess.PIPE, env=env,
                                   stdin=subprocess.DEVNULL, cwd=self.dir, **options)
        self.processes.append(process)
        return process

    def start_broker(self, wait=True, descriptors=None, **shim):
        """`descriptors`: how many it may have. `shim`: what its disk does, such as
        SLOW_CALL="fdatasync:5000" (see under_shim)."""
        settings = {
            "broker.clients.bind": self.url,
            "broker.workers.bind": self.connect,
            "broker.status.bind": self.status,
            "store.url": "file:" + self.path("data"),
            **self.settings,
        }
        argv = [os.path.join(BIN, "drover-broker")]
        argv += [f"--{key}={value}" for key, value in settings.items()]
        if descriptors:
            argv = ["prlimit", f"--nofile={descriptors}:{descriptors}", *argv]
        if shim:
            os.makedirs(self.path("data"), mode=0o700, exist_ok=True)
            shim = under_shim(argv[0], self.path("data"), **shim)
        self.broker = self.run(argv, log="broker.log", env=shim)
        if wait:
            wait_until("the broker answers", lambda: self.try_drover("ping", "-q").returncode == 0)
        return self.broker

    def kill_broker(self):
        self.broker.kill()
        self.broker.wait()

    def start_worker(self, *arguments):
        """A real drover-worker."""
        return self.run([os.path.join(BIN, "drover-worker"), "--connect", self.connect, *arguments],
                        log="worker.log")

    def start_load_worker(self, history=None, window=100, hold="0s"):
        """A worker that finishes every task of type `load` after `hold`."""
        argv = [LOAD, "work", "--connect", self.connect, "--window", str(window), "--hold", hold]
        if history:
            argv += ["--history", self.path(history)]
        return self.run(argv, log="load-worker.log")

    def start_producer(self, tasks, batch=100, ids=None, **options):
        argv = [LOAD, "produce", "--url", self.url, "--tasks", str(tasks), "--batch", str(batch)]
        if ids:
            argv += ["--ids", self.path(ids)]
        for key, value in options.items():
            argv += ["--" + key, str(value)]
        return self.run(argv)

    def finish(self, process, seconds=300):
        """Waits for a process to end well; its stdout as JSON."""
        out, err = process.communicate(timeout=seconds)
        expect(process.returncode == 0, f"{process.args[:2]} ended {process.returncode}: {err!r}")
        return json.loads(out)

    def try_drover(self, *arguments, stdin=None, timeout=120):
        return subprocess.run([os.path.join(BIN, "drover"), "--url", self.url, *arguments],
                              capture_output=True, text=True, timeout=timeout, input=stdin or "",
                              cwd=self.dir)

    def drover(self, *arguments, code=0, **options):
        """Runs a command that must end with `code`; its stdout."""
        done = self.try_drover(*arguments, **options)
        expect(done.returncode == code,
               f"drover {' '.join(arguments)} ended {done.returncode}, not {code}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments, code=0, **options):
        return json.loads(self.drover(*arguments, "--json", code=code, **options))

    def queue(self, name="default"):
        return named(self.json("queue", "list"), name)

    def settled(self, name="default"):
        """The queue, if the broker answers and nothing in it has yet to end."""
        done = self.try_drover("queue", "list", "--json")
        queue = named(json.loads(done.stdout), name) if done.returncode == 0 else None
        waiting = ("scheduled", "ready", "running", "retrying")
        return queue if queue and not any(queue[state] for state in waiting) else None


def named(queues, name):
    return next((queue for queue in queues if queue["queue"] == name), None)


def memory(fleet):
    """What the broker has in memory, in bytes."""
    with open(f"/proc/{fleet.broker.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024


def cpu_seconds(process):
    """The processor time that it has used so far."""
    with open(f"/proc/{process.pid}/stat") as line:
        fields = line.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def expect_refusal_to_start(settings, code, word):
    """A broker with these settings must end with `code`, and say `word`."""
    with Fleet(settings) as fleet:
        broker = fleet.start_broker(wait=False)
        expect(broker.wait(timeout=30) == code, f"the broker ended {broker.returncode}, not {code}")
        with open(fleet.path("broker.log")) as log:
            expect(word in log.read(), f"the broker did not say {word}")


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


cases = []


def case(function):
    """Marks a function as one case of run_cases."""
    cases.append(function)
    return function


def run_cases(kind=Fleet):
    """Runs the file's cases against one broker, which must survive each; a name alone on the command
    line runs that one."""
    with kind() as fleet:
        fleet.start_broker()
        for function in cases:
            if len(sys.argv) > 1 and function.__name__ not in sys.argv[1:]:
                continue
            started = time.monotonic()
            function(fleet)
            expect(fleet.broker.poll() is None, f"the broker is gone after {function.__name__}")
            print(f"{time.monotonic() - started:6.2f} s  {function.__name__.replace('_', ' ')}",
                  flush=True)


WAITING = ("blocked", "scheduled", "ready", "retrying")
STATES = WAITING + ("running", "dead", "completed", "cancelled", "expired", "purged")


def expect_books_balance(queue):
    total = sum(queue[state] for state in STATES)
    expect(queue["submitted"] == total, f"the books do not balance: {queue}")
    return total


def seeded():
    """A source of random moments; the seed is printed so that a run can be repeated."""
    seed = int(os.environ.get("DROVER_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (DROVER_SEED repeats it)")
    return random.Random(seed)
