"""A bare Debian 12 to try a package on: a chroot made by debootstrap, booted with its own systemd as
process 1 in namespaces of its own (processes, mounts, network, names). Needs root and debootstrap.

    with Machine(cache) as machine:
        machine.chroot("apt-get", "install", "-y", "/package.deb")   # not booted: the host's network
        machine.boot()
        machine.run("systemctl", "is-active", "drover-broker")       # booted: only loopback
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

SUITE = "bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
WITH = ["systemd", "systemd-sysv", "dbus"]
SKIPPED = 77
CGROUPS = "/sys/fs/cgroup"

# Process 1 of the machine comes from here: runs in new namespaces, makes the root that systemd wants
# and becomes systemd. The current cgroup becomes the root of those that systemd sees.
BOOT = r"""
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
for folder in run tmp; do mount -t tmpfs tmpfs $folder; done
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
if [ "$2" = unified ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
pivot_root . mnt
umount -l /mnt
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --log-target=journal --show-status=no </dev/null
"""


def skip(why):
    print(f"skipped: {why}")
    raise SystemExit(SKIPPED)


def fail(message):
    print(f"FAILED: {message}", file=sys.stderr)
    raise SystemExit(1)


def expect(condition, message):
    if not condition:
        fail(message)


def wait_until(what, condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.1)
    return value


def base_system(cache):
    """A tar of the bare system, made once."""
    tar = os.path.join(cache, "bare-debian.tar")
    if os.path.exists(tar):
        return tar
    os.makedirs(cache, exist_ok=True)
    print("making a bare Debian (once; some minutes) ...", flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as root:
        subprocess.run(["debootstrap", "--variant=minbase", SUITE, root, MIRROR], check=True,
                       stdout=subprocess.DEVNULL)
        take_apt_settings(root)
        for command in (["update", "-q"], ["install", "-yq", "--no-install-recommends", *WITH]):
            subprocess.run(in_chroot(root, "apt-get", *command), check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", root, "-cf", tar + ".part", "."], check=True)
    os.rename(tar + ".part", tar)
    return tar


def take_apt_settings(root):
    """How this machine reaches the mirror: name servers, proxies, dates."""
    shutil.copy("/etc/resolv.conf", os.path.join(root, "etc/resolv.conf"))
    for path in glob.glob("/etc/apt/apt.conf.d/*"):
        with open(path) as text:
            if "Acquire::" in text.read():
                shutil.copy(path, os.path.join(root, "etc/apt/apt.conf.d"))


def in_chroot(root, *command):
    return ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "chroot", root,
            "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
            "LC_ALL=C.UTF-8", *command]


class Machine:
    def __init__(self, cache):
        if os.geteuid() != 0:
            skip("this needs root")
        if not shutil.which("debootstrap"):
            skip("this needs debootstrap (scripts/setup --package)")
        tar = base_system(cache)
        self.root = tempfile.mkdtemp(prefix="machine-", dir=cache)
        os.chmod(self.root, 0o755)
        subprocess.run(["tar", "-C", self.root, "-xf", tar], check=True)
        self.unified = not os.path.exists(CGROUPS + "/unified") and os.path.exists(
            CGROUPS + "/cgroup.controllers")
        self.init = None   # the pid of its process 1, as this machine sees it
        self.outer = None  # unshare, its parent

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None and self.init:
            print(self.run("journalctl", "--no-pager", "-n", "40", "-u", "drover*").stdout, file=sys.stderr)
        self.power_off()
        shutil.rmtree(self.root)

    def add(self, path, name):
        shutil.copy(path, os.path.join(self.root, name))

    def chroot(self, *command, code=0):
        return self.finish(in_chroot(self.root, *command), code)

    def run(self, *command, code=None):
        """A command in the booted machine; `code`: how it must end."""
        inside = ["nsenter", "-t", str(self.init), "-a", "env", "-i", "DEBIAN_FRONTEND=noninteractive",
                  "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", *command]
        return self.finish(inside, code)

    def says(self, *command):
        """What a command that must succeed prints."""
        return self.run(*command, code=0).stdout.strip()

    @staticmethod
    def finish(command, code):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600,
                              stdin=subprocess.DEVNULL)
        if code is not None and done.returncode != code:
            fail(f"{' '.join(command[-6:])} ended {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
        return done

    def boot(self):
        self.cgroups = []
        for hierarchy in ("",) if self.unified else ("systemd", "unified"):
            folder = os.path.join(CGROUPS, hierarchy, f"drover-package-test-{os.getpid()}")
            os.mkdir(folder)
            self.cgroups.append(folder)
        self.outer = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork",
             "--kill-child=KILL", "bash", "-c", BOOT, "boot", self.root,
             "unified" if self.unified else "hybrid"],
            stdin=subprocess.DEVNULL, preexec_fn=self.enter_cgroups, start_new_session=True)
        self.init = wait_until("process 1 is there", self.find_init)
        wait_until("systemd is up", lambda: self.run("systemctl", "is-system-running").stdout.strip()
                   in ("running", "degraded"))

    def enter_cgroups(self):
        for folder in self.cgroups:
            with open(folder + "/cgroup.procs", "w") as procs:
                procs.write(str(os.getpid()))

    def find_init(self):
        expect(self.outer.poll() is None, "systemd cannot be process 1 here")
        with open(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children") as children:
            pids = children.read().split()
        return int(pids[0]) if pids else None

    def power_off(self):
        if not self.outer:
            return
        self.run("systemctl", "poweroff")
        try:
            self.outer.wait(60)
        except subprocess.TimeoutExpired:
            self.outer.kill()  # and with it process 1 and all others
            self.outer.wait()
        for top in self.cgroups:
            for folder, _, _ in os.walk(top, topdown=False):
                os.rmdir(folder)
        self.outer = self.init = None
