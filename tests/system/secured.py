"""A fleet of two tenants, acme and zeta, on a secured broker: a key for each process."""

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

    def start_broker(self, **options):
        super().start_broker(wait=False, **options)
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
