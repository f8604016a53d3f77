"""The units as they are shipped: shut off from what they do not need, told to systemd's own judgement,
and started again only when that makes sense."""

import os
import shutil
import subprocess
import sys

from fleet import expect

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/systemd")
EXPOSURE_MAX = 20  # tenths: 2.0 of 10
NEEDS_A_PERSON = {"2", "65", "73", "78"}


def settings(unit):
    with open(unit) as lines:
        pairs = [line.strip().split("=", 1) for line in lines if "=" in line and line[0] not in "#;"]
    return dict(pairs)


def is_shut_off(unit):
    done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true",
                           f"--threshold={EXPOSURE_MAX}", unit], capture_output=True, text=True)
    print(done.stdout.strip().splitlines()[-1])
    expect(done.returncode == 0, f"{unit} is exposed:\n{done.stdout}{done.stderr}")


def is_supervised(unit):
    has = settings(unit)
    expect(has["Type"] == "notify" and int(has["WatchdogSec"].rstrip("s")) > 0, f"{unit}: {has}")
    expect(has["Restart"] == "on-failure", f"{unit} is not started again")
    expect(set(has["RestartPreventExitStatus"].split()) == NEEDS_A_PERSON, f"{unit}: exit codes")
    expect(has["User"] == "drover", f"{unit} runs as {has['User']}")


units = sorted(os.path.join(UNITS, name) for name in os.listdir(UNITS))
expect(len(units) >= 2, f"units: {units}")
for unit in units:
    is_supervised(unit)
if not shutil.which("systemd-analyze"):
    print("skipped: there is no systemd-analyze here")
    sys.exit(77)
for unit in units:
    is_shut_off(unit)
