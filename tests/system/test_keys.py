"""A secured fleet: every process with a key of its own, everything encrypted, a key revoked and
another put in its place; and the starts that are refused."""

import json
import os
import subprocess

from fleet import BIN, Fleet, expect, wait_until
from tap import Tap

PUBLISHED_PUBLIC = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
PUBLISHED_SECRET = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
MARKER = "nobody-else-may-read-this"


def main():
    refused_starts()
    with Fleet({"broker.heartbeat": "500ms", "broker.worker_timeout": "4s"}) as fleet:
        secure(fleet)
        fleet.start_broker(wait=False)
        wait_until("the broker answers its operator",
                   lambda: as_key(fleet, "ops", "ping").returncode == 0)
        expect("secured" in log(fleet, "broker.log"), "the broker does not say that it is secured")
        strangers(fleet)
        worker = start_worker(fleet, "worker-1")
        work(fleet)
        wire_is_closed(fleet)
        broken_list(fleet)
        revoke(fleet, worker)
        restart(fleet)
        nothing_is_told(fleet)
    print("a secured fleet works, and is closed to everybody else")


# --- the fleet

def secure(fleet):
    fleet.public_key = fleet.drover("keygen", "broker.key").strip()
    expect(len(fleet.public_key) == 40, f"keygen printed {fleet.public_key!r}")
    for name, role in (("web", "producer"), ("worker-1", "worker"), ("eyes", "subscriber"),
                       ("ops", "operator")):
        key(fleet, "create", name, "--role", role)
    listed = json.loads(key(fleet, "list", "--json"))
    expect({k["name"]: k["role"] for k in listed} ==
           {"web": "producer", "worker-1": "worker", "eyes": "subscriber", "ops": "operator"},
           f"the list: {listed}")
    expect(os.stat(fleet.path("web.key")).st_mode & 0o777 == 0o600, "a secret key is not private")
    fleet.drover("keygen", "stranger.key")
    fleet.settings |= {"security.keys_file": fleet.path("keys.yaml"),
                       "security.key_file": fleet.path("broker.key")}


def key(fleet, *arguments, **options):
    return fleet.drover("key", *arguments, "--keys-file", fleet.path("keys.yaml"), **options)


def environment(fleet, name, server_key=None):
    return {"DROVER_SECURITY__KEY_FILE": fleet.path(name + ".key"),
            "DROVER_SECURITY__SERVER_KEY": server_key or fleet.public_key}


def as_key(fleet, name, *arguments, server_key=None, url=None):
    """Runs a command under that key; None: without any."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("DROVER_")}
    if name:
        env |= environment(fleet, name, server_key)
    return subprocess.run([os.path.join(BIN, "drover"), "--url", url or fleet.url, *arguments],
                          capture_output=True, text=True, timeout=120, cwd=fleet.dir, env=env)


def start_worker(fleet, name, log_name="worker.log"):
    return fleet.run([os.path.join(BIN, "drover-worker"), "--connect", fleet.connect, "--slots", "2"],
                     log=log_name, env=environment(fleet, name))


def log(fleet, name):
    with open(fleet.path(name), encoding="utf-8") as lines:
        return lines.read()


def stats(fleet):
    return json.loads(as_key(fleet, "ops", "stats", "--json").stdout)


def workers(fleet):
    return json.loads(as_key(fleet, "ops", "worker", "list", "--json").stdout)


# --- sessions

def strangers(fleet):
    for name, server_key, reason in (
            (None, None, "has no key"),
            ("stranger", None, "refuses this process's key"),
            ("web", fleet_key(fleet, "stranger"), "security.server_key")):
        done = as_key(fleet, name, "ping", server_key=server_key)
        expect(done.returncode == 3 and reason in done.stderr,
               f"ping as {name} ended {done.returncode}: {done.stderr}")
    expect(stats(fleet)["secured"] is True, "the figures do not say that the broker is secured")
    expect(stats(fleet)["auth_unknown_key"] >= 1, "the unknown key was not counted")
    wait_until("the log names the refused key",
               lambda: f'"last_public_key":"{fleet_key(fleet, "stranger")}"' in log(fleet, "broker.log"))


def fleet_key(fleet, name):
    for line in log(fleet, name + ".key").splitlines():
        if line.startswith("public_key: "):
            return line.split('"')[1]
    raise AssertionError(name)


def work(fleet):
    wait_until("the worker has joined", lambda: workers(fleet))
    watch = fleet.run([os.path.join(BIN, "drover"), "--url", fleet.url, "watch", "--json",
                       "--since", "beginning"], log="watch.log", env=environment(fleet, "eyes"))
    done = as_key(fleet, "web", "submit", "test.echo", '{"a":1}', "--wait")
    expect(done.returncode == 0 and json.loads(done.stdout) == {"a": 1}, f"submit: {done}")
    wait_until("the subscriber saw it end", lambda: "task.completed" in log(fleet, "watch.log"))
    watch.terminate()
    watch.wait(20)


def listen_to(fleet, key_name):
    with Tap(fleet.url) as tap:
        done = as_key(fleet, key_name, "submit", "test.echo", json.dumps(MARKER), "--wait", url=tap.url)
    expect(done.returncode == 0 and json.loads(done.stdout) == MARKER, f"submit: {done}")
    expect(len(tap.said) > 200 and len(tap.heard) > 200, "nothing went through the tap")
    return MARKER.encode() in tap.said + tap.heard


def wire_is_closed(fleet):
    expect(not listen_to(fleet, "web"), "a payload can be read on the wire")
    with Fleet() as in_the_open:
        in_the_open.start_broker()
        in_the_open.start_worker()
        wait_until("a worker", lambda: in_the_open.json("worker", "list"))
        expect(listen_to(in_the_open, None), "the listener does not see what is in the open")


def broken_list(fleet):
    with open(fleet.path("keys.yaml"), encoding="utf-8") as file:
        good = file.read()
    with open(fleet.path("keys.yaml"), "w", encoding="utf-8") as file:
        file.write("- name: half")
    wait_until("the broker says so", lambda: "cannot be read" in log(fleet, "broker.log"))
    expect(as_key(fleet, "web", "ping").returncode == 0, "a broken list locked everybody out")
    with open(fleet.path("keys.yaml"), "w", encoding="utf-8") as file:
        file.write(good)
    wait_until("it is read again", lambda: "list of keys has changed" in log(fleet, "broker.log"))


def revoke(fleet, worker):
    key(fleet, "revoke", "worker-1")
    wait_until("the worker is told", lambda: "refuses this process's key" in log(fleet, "worker.log"))
    wait_until("the broker has given it up", lambda: not workers(fleet))
    expect(worker.poll() is None, "the worker ended; it should wait to be let in again")
    task = json.loads(as_key(fleet, "web", "submit", "test.echo", '"later"', "--json").stdout)

    # The same name, another key: the old one stays outside.
    os.rename(fleet.path("worker-1.key"), fleet.path("old.key"))
    key(fleet, "create", "worker-1", "--role", "worker")
    second = start_worker(fleet, "worker-1", "second.log")
    wait_until("the task ran", lambda: state_of(fleet, task["id"]) == "completed")
    expect([w["pid"] for w in workers(fleet)] == [second.pid], f"workers: {workers(fleet)}")
    done = as_key(fleet, "old", "ping")
    expect(done.returncode == 3, f"the revoked key was let in: {done}")
    key(fleet, "revoke", "worker-1", code=0)
    key(fleet, "revoke", "worker-1", code=4)
    wait_until("the second is out, too", lambda: not workers(fleet))


def state_of(fleet, task):
    shown = as_key(fleet, "ops", "task", "show", task, "--json")
    return json.loads(shown.stdout)["state"] if shown.returncode == 0 else None


def restart(fleet):
    """A worker that was refused comes in by itself once its key is allowed, also after a restart."""
    os.rename(fleet.path("worker-1.key"), fleet.path("older.key"))
    fleet.kill_broker()
    key(fleet, "create", "worker-2", "--role", "worker")
    third = start_worker(fleet, "worker-2", "third.log")
    fleet.start_broker(wait=False)
    wait_until("the worker has joined", lambda: as_key(fleet, "ops", "ping").returncode == 0 and
               [w["pid"] for w in workers(fleet)] == [third.pid])
    done = as_key(fleet, "web", "submit", "test.echo", "7", "--wait", "--wait-timeout", "30s")
    expect(done.returncode == 0 and done.stdout.strip() == "7", f"submit: {done}")


def nothing_is_told(fleet):
    secrets = []
    for name in os.listdir(fleet.dir):
        if name.endswith(".key"):
            secrets += [line.split('"')[1] for line in log(fleet, name).splitlines()
                        if line.startswith("secret_key: ")]
    expect(len(secrets) >= 7, f"only {len(secrets)} secret keys were found")
    for name in os.listdir(fleet.dir):
        if not name.endswith(".key") and os.path.isfile(fleet.path(name)):
            text = log(fleet, name)
            expect(not any(secret in text for secret in secrets), f"{name} holds a secret key")


# --- starts that are refused

def refused_starts():
    with Fleet() as fleet:
        secure(fleet)
        good = dict(fleet.settings)
        fleet.settings = {}
        everywhere = {"broker.clients.bind": "tcp://*:" + fleet.url.rsplit(":", 1)[1]}
        expect_78(fleet, everywhere, "keys (security.keys_file)")
        expect_78(fleet, {**good, "security.key_file": ""}, "security.key_file")
        expect_78(fleet, {**good, "security.key_file": fleet.path("none.key")}, "none.key")

        os.chmod(fleet.path("broker.key"), 0o644)
        expect_78(fleet, good, "broker.key: others may open this key file (mode 0644)")
        os.chmod(fleet.path("broker.key"), 0o600)

        published = fleet.path("published.key")
        with open(os.open(published, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(f'public_key: "x"\nsecret_key: "{PUBLISHED_SECRET}"\n')
        expect_78(fleet, {**good, "security.key_file": published}, "printed in ZeroMQ's manual")
        done = as_key(fleet, "published", "ping")
        expect(done.returncode == 2 and "ZeroMQ's manual" in done.stderr, f"ping: {done}")
        done = as_key(fleet, "web", "ping", server_key=PUBLISHED_PUBLIC)
        expect(done.returncode == 2 and "SERVER_KEY" in done.stderr, f"ping: {done}")
        worker = start_worker(fleet, "published")
        expect(worker.wait(30) == 78, f"the worker ended {worker.returncode}")

        with open(fleet.path("weak.yaml"), "w", encoding="utf-8") as file:
            file.write(f'- {{name: a, public_key: "{PUBLISHED_PUBLIC}", role: operator, '
                       'created_at: 2026-01-31T08:05:09.007Z}\n')
        expect_78(fleet, {**good, "security.keys_file": fleet.path("weak.yaml")},
                  "weak.yaml:1: a: public_key: this key is printed")

        os.rename(fleet.path("keys.yaml"), fleet.path("gone.yaml"))
        expect_78(fleet, good, "security.keys_file")
        os.rename(fleet.path("gone.yaml"), fleet.path("keys.yaml"))

        # With keys an address beyond this machine is fine; without, only for who insists.
        fleet.settings = {**good, **everywhere}
        fleet.start_broker(wait=False)
        wait_until("it is ready", lambda: "the broker is ready" in log(fleet, "broker.log"))
        fleet.broker.terminate()
        expect(fleet.broker.wait(30) == 0, "the secured broker did not stop")
        fleet.settings = {**everywhere, "security.insecure": "true"}
        fleet.start_broker()
        expect("INSECURE" in log(fleet, "broker.log"), "an insecure broker is too quiet")


def expect_78(fleet, settings, reason):
    before = os.path.getsize(fleet.path("broker.log")) if os.path.exists(fleet.path("broker.log")) else 0
    fleet.settings = settings
    fleet.start_broker(wait=False)
    code = fleet.broker.wait(30)
    fleet.settings = {}
    said = log(fleet, "broker.log")[before:]
    expect(code == 78 and reason in said, f"{settings} ended {code}, not 78 for {reason!r}: {said}")


if __name__ == "__main__":
    main()
