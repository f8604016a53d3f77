"""docs/start.md as it is pasted: every command of the page, in its order, in one shell and one folder. A comment
`exit code N` beside a command is what it must end with. Commands that stay in the foreground are left running."""

import json
import os
import re
import signal
import subprocess

from fleet import BIN, Fleet, expect, wait_until

PAGE = os.path.join(os.path.dirname(__file__), "../../docs/start.md")
STAYS = ("drover up", "drover work ", "drover watch")


def commands():
    """The lines of the page's sh blocks, each with the exit code that it promises."""
    with open(PAGE, encoding="utf-8") as page:
        blocks = re.findall(r"^```sh\n(.*?)^```", page.read(), re.DOTALL | re.MULTILINE)
    for line in "".join(blocks).splitlines():
        promised = re.search(r"# exit code (\d+)", line)
        yield line, int(promised.group(1)) if promised else 0


class Shell:
    """A bash that is typed into."""

    def __init__(self, fleet, env):
        self.bash = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                     stderr=subprocess.STDOUT, cwd=fleet.dir, env=env)
        fleet.processes.append(self.bash)

    def run(self, line):
        self.bash.stdin.write(line + "\necho \"-- $?\"\n")
        self.bash.stdin.flush()
        said = []
        for heard in self.bash.stdout:
            if heard.startswith("-- "):
                return int(heard[3:]), "".join(said)
            said.append(heard)
        raise SystemExit(f"FAILED: the shell ended after {line!r}")


def main():
    with Fleet() as fleet:
        env = {k: v for k, v in os.environ.items() if not k.startswith("DROVER_")}
        env["PATH"] = os.path.abspath(BIN) + ":" + env["PATH"]
        env["DROVER_BROKER__CLIENTS__BIND"] = fleet.url
        env["DROVER_BROKER__WORKERS__BIND"] = fleet.connect
        env["DROVER_BROKER__STATUS__BIND"] = fleet.status
        shell = Shell(fleet, env)
        staying = []
        count = 0
        for line, promised in commands():
            count += 1
            if line.startswith("export PATH="):
                continue  # the programs under test are on it
            if line.startswith(STAYS):
                staying.append(stay(fleet, env, line))
                continue
            code, said = shell.run(line)
            expect(code == promised, f"`{line}` ended {code}, not {promised}: {said}")
            if "known already" in line:
                expect("3 known already" in said, f"`{line}` said {said!r}")
            if '# "HELLO"' in line:
                expect('"HELLO"' in said, f"`{line}` said {said!r}")
        expect(count > 20, f"the page has only {count} commands")
        up = staying[0]
        up.send_signal(signal.SIGINT)  # Ctrl-C
        expect(up.wait(60) == 0, f"drover up ended {up.returncode}")
    print(f"{count} commands of docs/start.md work as pasted")


def stay(fleet, env, line):
    """Starts a command and waits until it is there."""
    log = open(fleet.path("stays.log"), "ab")
    process = subprocess.Popen(["bash", "-c", "exec " + line], cwd=fleet.dir, env=env, stdout=log, stderr=log,
                               stdin=subprocess.DEVNULL)
    fleet.processes.append(process)
    if line.startswith("drover up"):
        wait_until("the workers are there", lambda: len(workers(fleet)) == 2)
    elif line.startswith("drover work "):
        type_name = line.split()[2]
        wait_until("the command is a worker", lambda: any(type_name in w["types"] for w in workers(fleet)))
    else:
        expect(process.poll() is None, f"`{line}` ended {process.returncode}")
    return process


def workers(fleet):
    done = fleet.try_drover("worker", "list", "--json")
    expect(done.returncode in (0, 3), f"worker list ended {done.returncode}: {done.stderr}")
    return json.loads(done.stdout) if done.returncode == 0 else []


main()
