"""The programs as they are shipped were hardened: PIE, full RELRO, no executable stack, stack
protector, checked libc functions, no library folders of their own."""

import os
import subprocess
import sys

from fleet import BIN

AUDIT = os.path.join(os.path.dirname(__file__), "../../scripts/audit-binary")

programs = sorted(os.path.join(BIN, name) for name in os.listdir(BIN))
if not programs:
    sys.exit(f"FAILED: there is no program in {BIN}")
subprocess.run([AUDIT, "--self-test"], check=True)
subprocess.run([AUDIT, *programs], check=True)
