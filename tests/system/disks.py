"""Disks of our own for a test: ext4 in a file behind a loop device, that fill up, lie or lose power.

    own_mounts()                      # first of all; leaves with 77 where it cannot be
    with LoopDisk(48 * MIB) as disk:
        ...                           # disk.dir is a mounted ext4
        disk.cut_power()              # what was not synced is gone

Nothing is left behind, however the test ends: mounts are made in a mount namespace of this process
and its children, images have no name once they are attached, and the kernel detaches a loop device
when nobody has it open any more.
"""

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
import tempfile
import time

MIB = 1024 * 1024

_CLONE_NEWNS = 0x00020000
_EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
_NO_LOG_FLUSH = 2
_SKIPPED = 77


def own_mounts():
    """Mounts that are made from now on are seen by this process and its children only."""
    if os.geteuid() != 0:
        skip("making disks needs root")
    for path in ("/dev/loop-control", "/sbin/mkfs.ext4", "/sbin/losetup"):
        if not os.path.exists(path):
            skip(f"there is no {path} here")
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        skip(f"a mount namespace cannot be had: {os.strerror(ctypes.get_errno())}")
    if tool("mount", "--make-rprivate", "/").returncode != 0:
        skip("mounts cannot be made private")


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(_SKIPPED)


def tool(*argv):
    env = {**os.environ, "PATH": "/usr/sbin:/sbin:" + os.environ["PATH"]}
    return subprocess.run(argv, capture_output=True, text=True, env=env)


def must(*argv):
    done = tool(*argv)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Directory:
    """A directory that something may be mounted on."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="drover-disk-")

    def unmount(self):
        # Whoever was killed a moment ago may not have let go yet.
        for _ in range(100):
            done = tool("umount", self.dir)
            if done.returncode == 0 or "not mounted" in done.stderr:
                return
            time.sleep(0.05)
        raise RuntimeError(f"umount {self.dir}: {done.stderr.strip()}")

    def close(self):
        self.unmount()
        os.rmdir(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class MemoryDisk(Directory):
    """A tmpfs: what holds the image of a loop disk that is larger than it."""

    def __init__(self, size):
        super().__init__()
        must("mount", "-t", "tmpfs", "-o", f"size={size}", "drover-test", self.dir)

    def grow(self, size):
        must("mount", "-o", f"remount,size={size}", self.dir)


class LoopDisk(Directory):
    """ext4 on a sparse image of `size` bytes, which lies in the directory `below`."""

    def __init__(self, size, below=None):
        super().__init__()
        image = tempfile.NamedTemporaryFile(prefix="drover-image-", dir=below)
        image.truncate(size)
        image.flush()
        self.device = must("losetup", "--find", "--show", image.name)
        self.held = os.open(self.device, os.O_RDONLY)
        must("losetup", "--detach", self.device)  # once nobody has it open, which we do
        image.close()
        must("mkfs.ext4", "-q", "-m", "0", "-E", "nodiscard", self.device)
        self.mount()

    def mount(self):
        must("mount", "-t", "ext4", self.device, self.dir)

    def remount(self):
        """Reads everything from the device again, as after a restart of the machine."""
        self.unmount()
        self.mount()

    def cut_power(self):
        """What has not reached the device by now never will. Mounted, but of no use until remount."""
        directory = os.open(self.dir, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def free_bytes(self):
        status = os.statvfs(self.dir)
        return status.f_bavail * status.f_frsize

    def fill(self, leave):
        """Lets others use the disk: a file that leaves `leave` bytes. Gives its path."""
        path = os.path.join(self.dir, "ballast")
        with open(path, "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(self.free_bytes() - leave, 4096))
        return path

    def close(self):
        self.unmount()
        os.close(self.held)
        os.rmdir(self.dir)
