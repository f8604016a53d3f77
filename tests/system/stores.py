"""What tests do to stores on disk: look at them, hash them, and damage them."""

import hashlib
import os
import struct

FORMAT_VERSION = 1
HEADER_BYTES = 512
GROUP_HEADER_BYTES = 40

_TABLE = []
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = (_crc >> 1) ^ (0x82F63B78 if _crc & 1 else 0)
    _TABLE.append(_crc)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def segments(directory):
    return sorted(name for name in os.listdir(directory) if name.startswith("segment-"))


def read(path, offset=0, count=None):
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read() if count is None else file.read(count)


def write(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def salt(path):
    return read(path, 32, 8)


def groups(path):
    """The groups of a segment: (offset, bytes, first seq, events), as their headers say."""
    data = read(path)
    mine, at = data[32:40], HEADER_BYTES
    while data[at:at + 8] == mine:
        body, first, records, numbered = struct.unpack_from("<4xI Q 8x II", data, at + 8)
        size = GROUP_HEADER_BYTES + (body + 7) // 8 * 8
        yield at, size, first, numbered
        at += size


def flip_bit(path, offset, bit=0):
    byte = read(path, offset, 1)[0]
    write(path, offset, bytes([byte ^ (1 << bit)]))


def make_newer(path):
    """Makes a segment's header one of the format after this one."""
    header = bytearray(read(path, 0, HEADER_BYTES))
    struct.pack_into("<I", header, 8, FORMAT_VERSION + 1)
    struct.pack_into("<I", header, HEADER_BYTES - 4, crc32c(header[:HEADER_BYTES - 4]))
    write(path, 0, bytes(header))


def fingerprint(directory):
    """All that can be seen to change: names, contents, sizes and times of files, the folder's time."""
    seen = [("", os.stat(directory).st_mtime_ns)]
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        stat = os.stat(path)
        digest = hashlib.sha256(read(path)).hexdigest()
        seen.append((name, stat.st_size, stat.st_mtime_ns, stat.st_mode, digest))
    return seen
