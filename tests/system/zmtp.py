"""A ZeroMQ peer made by hand, for what no library would send: greetings that drip, lengths that lie,
messages of a million frames, identities of its own choice. ZMTP 3.0 with the NULL mechanism, and
msgpack as far as Drover's messages need it. Standard library only.

    with Peer(fleet.url) as peer:              # greeted, and through the handshake
        peer.send(pack([14, 7]))               # ping, request 7
        unpack(peer.receive())                 # [35, 7, {...}]
"""

import select
import socket
import struct
import time

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
MORE, LONG, COMMAND = 1, 2, 4


def greeting(mechanism=b"NULL", version=(3, 0)):
    return SIGNATURE + bytes(version) + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body, more=False, command=False):
    flags = (MORE if more else 0) | (COMMAND if command else 0)
    if len(body) > 255:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def command(name, body=b""):
    return frame(bytes([len(name)]) + name + body, command=True)


def ready(socket_type=b"DEALER", identity=b""):
    properties = ((b"Socket-Type", socket_type), (b"Identity", identity))
    return command(b"READY", b"".join(
        bytes([len(key)]) + key + struct.pack(">I", len(value)) + value for key, value in properties))


def address(url):
    host, port = url.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


class Peer:
    """A connection. Before greet() it has said nothing."""

    def __init__(self, url, socket_type=b"DEALER", identity=b"", silent=False, timeout=10):
        self.socket = socket.create_connection(address(url), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = b""
        if not silent:
            self.greet(socket_type, identity)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def greet(self, socket_type=b"DEALER", identity=b""):
        self.raw(greeting())
        self.take(64)
        self.raw(ready(socket_type, identity))
        self.next_frame()  # the other side's READY

    def raw(self, data):
        self.socket.sendall(data)

    def pour(self, mechanism, megabytes, start=b""):
        """Greets, and sends one command of that size within the handshake, as far as it is taken."""
        self.raw(greeting(mechanism))
        self.take(64)
        try:
            self.raw(b"\x06" + struct.pack(">Q", megabytes << 20) + start)
            for _ in range(megabytes):
                self.raw(bytes(1 << 20))
        except OSError:
            pass

    def send(self, *frames):
        """One message, of one frame or more."""
        self.raw(b"".join(frame(body, more=i + 1 < len(frames)) for i, body in enumerate(frames)))

    def send_many(self, bodies):
        """Messages of one frame each, in one go."""
        self.raw(b"".join(map(frame, bodies)))

    def take(self, count):
        while len(self.read) < count:
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("cut off")
            self.read += got
        taken, self.read = self.read[:count], self.read[count:]
        return taken

    def next_frame(self):
        flags, short = self.take(2)
        size = struct.unpack(">Q", bytes([short]) + self.take(7))[0] if flags & LONG else short
        return flags, self.take(size)

    def receive(self, timeout=10):
        """The body of the next message; answers pings on the way. TimeoutError when none comes."""
        end = time.monotonic() + timeout
        while True:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            flags, body = self.next_frame()
            if not flags & COMMAND:
                return body
            if body.startswith(b"\x04PING"):
                self.raw(command(b"PONG", body[7:]))

    def is_cut_off(self, within):
        """Whether the other side closes the connection in time; what it says before is lost."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return False
            try:
                if not self.socket.recv(65536):
                    return True
            except ConnectionError:
                return True
        return False


# --- msgpack

def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, str):
        return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, (list, tuple)):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdd" + struct.pack(">I", len(value))
        return head + b"".join(map(pack, value))
    if isinstance(value, Raw):
        return value.data
    raise TypeError(type(value))


def pack_int(value):
    if 0 <= value < 128:
        return bytes([value])
    return b"\xcf" + struct.pack(">Q", value) if value >= 0 else b"\xd3" + struct.pack(">q", value)


class Raw:
    """Bytes that stand in a message as they are."""

    def __init__(self, data):
        self.data = data


def unpack(data):
    return Unpacker(data).value()


class Unpacker:
    FIXED = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q",
             0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
    SIZED = {0xc4: (">B", bytes), 0xc5: (">H", bytes), 0xc6: (">I", bytes),
             0xd9: (">B", str), 0xda: (">H", str), 0xdb: (">I", str),
             0xdc: (">H", list), 0xdd: (">I", list), 0xde: (">H", dict), 0xdf: (">I", dict)}

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def value(self):
        head = self.number(">B")
        if head < 0x80:
            return head
        if head >= 0xe0:
            return head - 256
        if head < 0xc0:
            kind = dict if head < 0x90 else list if head < 0xa0 else str
            return self.sized(kind, head & (0x1f if kind is str else 0x0f))
        if head in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[head]
        if head in self.FIXED:
            return self.number(self.FIXED[head])
        layout, kind = self.SIZED[head]
        return self.sized(kind, self.number(layout))

    def sized(self, kind, size):
        if kind is bytes:
            return self.take(size)
        if kind is str:
            return self.take(size).decode()
        if kind is list:
            return [self.value() for _ in range(size)]
        return {self.value(): self.value() for _ in range(size)}
