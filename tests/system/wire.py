"""Drover's messages by hand (schemas/wire/messages.yaml), over the raw peer of zmtp.py."""

import os
import random
import struct
import time

from zmtp import Peer, pack, unpack

CONNECT, SUBMIT, WAIT, SHOW, LIST, CANCEL = 1, 2, 3, 4, 5, 6
STATS, PING = 11, 14
CONNECTED, ACCEPTED, ANSWER, REFUSED = 33, 34, 35, 36
HELLO, HEARTBEAT, DONE, FAILED, RELEASED, PROGRESS, BYE = 65, 66, 67, 68, 69, 70, 71
WELCOME, ASSIGN, CONFIRM, CANCEL_ATTEMPTS, DRAIN, ALIVE, WHO = 97, 98, 99, 100, 101, 102, 103

OK, INVALID_ARGUMENT, BAD_ID, BAD_NAME, MALFORMED = 0, 1001, 1002, 1003, 1004
UNSUPPORTED_VERSION, UNKNOWN_MESSAGE, MESSAGE_TOO_LARGE, PAYLOAD_TOO_LARGE = 1005, 1006, 1007, 1008
RESULT_TOO_LARGE, BATCH_TOO_LARGE, TOO_DEEP, TOO_MANY_ELEMENTS = 1009, 1010, 1011, 1012
RATE_LIMITED, RESOURCE_EXHAUSTED, FORBIDDEN = 2002, 2004, 3002
NOT_FOUND, STALE_LEASE, SESSION_UNKNOWN = 4001, 4004, 4006

TASK_FIELDS = ("id", "type", "payload", "queue", "priority", "tenant", "content_type", "delay_ms",
               "not_before", "ttl_ms", "expires_at", "timeout_ms", "max_attempts", "backoff",
               "idempotency_key", "user_id", "agent_id", "required_capabilities",
               "required_labels", "result_ttl_ms", "traceparent", "metadata",
               "gate", "concurrency_key", "rate_key", "rate_cost")


def tenant_hash(tenant):
    h = 2166136261
    for byte in tenant.encode():
        h = (h ^ byte) * 16777619 & 0xffffffff
    return (h ^ h >> 16) & 0x3ff


def new_id(tenant="default"):
    ms = int(time.time() * 1000)
    high = ms << 16 | 7 << 12 | random.getrandbits(12)
    low = 2 << 62 | random.getrandbits(52) << 10 | tenant_hash(tenant)
    return struct.pack(">QQ", high, low)


def task(**fields):
    values = {"id": new_id(), "type": "hostile.test", "payload": b"{}", **fields}
    unknown = set(values) - set(TASK_FIELDS)
    assert not unknown, unknown
    return [values.get(name) for name in TASK_FIELDS]


def hello(types=("hostile.test",), window=1, worker=None, holds=()):
    return pack([HELLO, 1, worker or os.urandom(16), "host", os.getpid(), "by hand", list(types), [],
                 [], window, window, list(holds)])


class Client(Peer):
    """A peer on the clients' socket that asks and is answered."""

    request = 0

    def ask(self, kind, *fields):
        """[kind, field ...] of the answer to one request."""
        self.request += 1
        self.send(pack([kind, self.request, *fields]))
        return unpack(self.receive())

    def submit(self, *tasks):
        """The outcomes [id, state, duplicate, warning, code, message, field, retry_after]."""
        kind, *rest = self.ask(SUBMIT, list(tasks))
        assert kind == ACCEPTED, (kind, rest)
        return [outcome + [None] * (8 - len(outcome)) for outcome in rest[0][0][1]]

    def stats(self):
        kind, _, body = self.ask(STATS)
        assert kind == ANSWER, body
        return body


class Worker(Peer):
    """A peer on the workers' socket that is welcome."""

    def __init__(self, url, **options):
        super().__init__(url)
        self.send(hello(**options))
        welcome = self.next(WELCOME)
        self.session = welcome[1]

    def next(self, *kinds, timeout=10):
        """The next order of one of these kinds; others are passed over."""
        end = time.monotonic() + timeout
        while True:
            order = unpack(self.receive(max(0.1, end - time.monotonic())))
            if order[0] in kinds:
                return order

    def say(self, kind, *fields):
        self.send(pack([kind, self.session, *fields]))

    def take_task(self, timeout=10):
        """(id, attempt) of the next task that is assigned."""
        item = self.next(ASSIGN, timeout=timeout)[2][0]
        return item[8][0], item[0]

    def done(self, task_id, attempt, result=b"{}"):
        """Says so, and returns the code of the verdict."""
        self.say(DONE, [[task_id, attempt, result, None, None]])
        return self.next(CONFIRM)[2][0][2]
