"""The Debian package on a bare Debian 12: installed, started by systemd, killed, hung, set up
wrongly, upgraded, removed and purged. The tasks survive all of it.

    make package package-test          (or: python3 tests/package/test_package.py FILE.deb)
"""

import glob
import json
import os
import signal
import sys

from machine import Machine, expect, skip, wait_until

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
BROKER = "drover-broker.service"
WORKER = "drover-worker@1.service"
SETTINGS = "/etc/drover/drover.yaml"


def package():
    if len(sys.argv) > 1:
        return sys.argv[1]
    found = glob.glob(SOURCE + "/build/release/package/drover_*.deb")
    return max(found, key=os.path.getmtime) if found else skip("there is no package; make package")


class Debian(Machine):
    def installed(self, *options):
        return self.run("apt-get", "install", "-yq", *options, "/drover.deb", code=0)

    def state(self, unit):
        return self.run("systemctl", "is-active", unit).stdout.strip()

    def property(self, unit, name):
        return self.says("systemctl", "show", "--value", "--property", name, unit)

    def pid(self, unit):
        return int(self.property(unit, "MainPID"))

    def drover(self, *arguments, code=0):
        return self.run("drover", *arguments, code=code).stdout.strip()

    def result(self, kind, payload):
        return json.loads(self.drover("submit", kind, payload, "--wait"))

    def answers(self):
        return self.run("drover", "ping", "-q").returncode == 0

    def task(self, task):
        return json.loads(self.drover("task", "show", task, "--json"))

    def exists(self, path):
        return self.run("test", "-e", path).returncode == 0

    def has_restarted(self, unit, before):
        return self.pid(unit) not in (0, before) and self.state(unit) == "active"

    def signal(self, unit, which):
        self.says("systemctl", "kill", "--kill-whom=main", "--signal=" + which.name, unit)


def installs_where_nothing_runs(debian):
    """In an image build or a chroot there is no systemd: the package installs and starts nothing."""
    debian.chroot("apt-get", "install", "-yq", "--no-install-recommends", "/drover.deb")
    version = debian.chroot("dpkg-query", "-Wf", "${Version}", "drover").stdout
    expect(debian.chroot("drover", "version").stdout == f"drover {version}\n",
           f"the package says {version}, drover does not")
    conffiles = debian.chroot("dpkg-query", "-Wf", "${Conffiles}", "drover").stdout
    expect(SETTINGS in conffiles, f"conffiles: {conffiles}")
    debian.chroot("getent", "passwd", "drover")
    debian.chroot("drover", "config", "show")
    debian.chroot("dpkg", "--purge", "drover")


def is_up_after_the_install(debian):
    debian.installed()
    wait_until("the broker answers", debian.answers)
    expect(debian.says("systemctl", "is-enabled", BROKER) == "enabled", "it would not start at boot")
    expect(debian.property(BROKER, "StatusText") == "taking tasks", "systemd does not know its status")
    owner = debian.says("stat", "-c", "%U %a", "/var/lib/drover")
    expect(owner == "drover 700", f"/var/lib/drover: {owner}")
    workers = debian.says("systemctl", "list-units", "--no-legend", "--all", "drover-worker@*")
    expect(workers == "", f"nobody has asked for a worker: {workers}")


def a_worker_is_one_command(debian):
    debian.says("systemctl", "enable", "--now", "drover-worker@1")
    expect(debian.result("test.echo", '{"a":1}') == {"a": 1}, "the worker does not work")


def a_command_runs_in_the_sandbox(debian):
    """An agent's command sees neither the broker's data nor may it write beside its own folder."""
    recipe = {"name": "look", "task_types": ["look"], "engine": "exec", "input": "payload",
              "command": ["/bin/sh", "-c",
                          "cat >/dev/null; cat /etc/drover/keys/broker.key 2>/dev/null && echo '\"key\"' && exit;"
                          " ls /var/lib/drover >/dev/null 2>&1 && echo '\"data\"' && exit;"
                          " touch /etc/x /home/x 2>/dev/null && echo '\"write\"' && exit;"
                          " touch here && grep -q 'NoNewPrivs:.1' /proc/self/status && echo '\"fine\"'"]}
    debian.says("install", "-D", "-o", "drover", "-m", "0600", "/dev/null", "/etc/drover/keys/broker.key")
    with open(debian.root + "/etc/drover/agents/look.yaml", "w") as file:
        json.dump(recipe, file)  # YAML is a superset
    debian.says("systemctl", "restart", WORKER)
    expect(debian.result("look", "{}") == "fine", "the sandbox has a hole")
    os.remove(debian.root + "/etc/drover/agents/look.yaml")
    debian.says("systemctl", "restart", WORKER)


def is_started_again_when_killed(debian):
    task = debian.drover("submit", "test.sleep", '{"ms":500}', "--delay", "2s", "-q")
    for unit in (BROKER, WORKER):
        before = debian.pid(unit)
        debian.signal(unit, signal.SIGKILL)
        wait_until(f"{unit} is started again", lambda: debian.has_restarted(unit, before))
    wait_until("the task is completed", lambda: debian.task(task)["state"] == "completed")


def is_started_again_when_it_hangs(debian):
    folder = debian.root + "/etc/systemd/system/{}.d"
    for unit in (BROKER, WORKER):
        os.makedirs(folder.format(unit))
        with open(folder.format(unit) + "/fast.conf", "w") as file:
            file.write("[Service]\nWatchdogSec=2s\n")
    debian.says("systemctl", "daemon-reload")
    for unit in (BROKER, WORKER):
        debian.says("systemctl", "restart", unit)
        before = debian.pid(unit)
        debian.signal(unit, signal.SIGSTOP)
        wait_until(f"the hung {unit} is started again", lambda: debian.has_restarted(unit, before))
        os.remove(folder.format(unit) + "/fast.conf")
    debian.says("systemctl", "daemon-reload")
    debian.says("systemctl", "restart", BROKER, WORKER)


def stays_down_when_it_needs_a_person(debian):
    with open(debian.root + SETTINGS) as file:
        good = file.read()
    with open(debian.root + SETTINGS, "a") as file:
        file.write("\nbrokr: {}\n")
    debian.run("systemctl", "restart", BROKER, code=1)
    expect(debian.property(BROKER, "ExecMainStatus") == "78", "exit code 78 was expected")
    expect(debian.state(BROKER) == "failed", "it is started again and again")
    log = debian.says("journalctl", "-u", BROKER, "-n", "5", "-o", "cat", "--no-pager")
    expect("brokr" in log and SETTINGS in log, f"the log does not name the fault: {log}")
    with open(debian.root + SETTINGS, "w") as file:
        file.write(good)
    debian.says("systemctl", "start", BROKER)
    wait_until("the broker answers", debian.answers)


def a_stopping_worker_finishes_what_runs(debian):
    task = debian.drover("submit", "test.sleep", '{"ms":3000}', "-q")
    wait_until("it runs", lambda: debian.task(task)["state"] == "running")
    debian.says("systemctl", "stop", WORKER)
    done = debian.task(task)
    expect(done["state"] == "completed" and len(done["attempts"]) == 1, f"it was cut off: {done}")
    debian.says("systemctl", "start", WORKER)


def an_upgrade_keeps_settings_and_tasks(debian):
    waiting = debian.drover("submit", "test.echo", '"later"', "--delay", "1h", "-q")
    with open(debian.root + SETTINGS, "a") as file:
        file.write("\nlog:\n  level: debug\n")
    before = {unit: debian.pid(unit) for unit in (BROKER, WORKER)}
    debian.installed("--reinstall")
    for unit in (BROKER, WORKER):
        wait_until(f"{unit} runs the new program", lambda: debian.has_restarted(unit, before[unit]))
    wait_until("the broker answers", debian.answers)
    expect("debug" in debian.says("cat", SETTINGS), "the upgrade has undone a setting")
    expect(debian.task(waiting)["state"] == "scheduled", "the upgrade has lost a task")
    return waiting


def what_was_disabled_stays_disabled(debian):
    debian.says("systemctl", "disable", "--now", BROKER)
    debian.installed("--reinstall")
    expect(debian.state(BROKER) == "inactive", "the upgrade has started a disabled broker")
    debian.says("systemctl", "enable", "--now", BROKER)


def removing_leaves_the_tasks(debian, task):
    debian.run("apt-get", "remove", "-yq", "drover", code=0)
    expect(debian.state(BROKER) == "inactive" and debian.state(WORKER) == "inactive", "still running")
    expect(debian.says("ls", "/var/lib/drover"), "the data went with the package")
    said = debian.run("apt-get", "purge", "-yq", "drover", code=0)
    expect("/var/lib/drover" in said.stdout + said.stderr, "the purge does not say what stays")
    expect(not debian.exists(SETTINGS), "the purge leaves the settings")
    debian.installed()
    wait_until("the broker answers", debian.answers)
    expect(debian.task(task)["state"] == "scheduled", "a task is gone")


with Debian(SOURCE + "/build/package-test") as debian:
    debian.add(package(), "drover.deb")
    installs_where_nothing_runs(debian)
    debian.boot()
    is_up_after_the_install(debian)
    a_worker_is_one_command(debian)
    a_command_runs_in_the_sandbox(debian)
    is_started_again_when_killed(debian)
    is_started_again_when_it_hangs(debian)
    stays_down_when_it_needs_a_person(debian)
    a_stopping_worker_finishes_what_runs(debian)
    task = an_upgrade_keeps_settings_and_tasks(debian)
    what_was_disabled_stays_disabled(debian)
    removing_leaves_the_tasks(debian, task)
print("the package installs, runs, restarts, upgrades and leaves the tasks when it goes")
