"""What may be done to a secured broker: by strangers who hold no key, by those who have heard what
others said, and by owners of a key who want more than it is for."""

import os
import struct
import threading
import time

import zmq

import wire
from fleet import case, expect, memory, percentile, run_cases, wait_until
from secured import Secured
from tap import Tap
from wire import CONFIRM, OK, PING, SUBMIT, WELCOME, hello, new_id, pack, task, unpack
from zmtp import SIGNATURE, Peer, command, greeting, ready

MB = 1 << 20
UNAUTHENTICATED_AFTER = 5.0  # seconds within which a stranger is cut off


class Keyed:
    """A peer with a key, through the library that honest peers use."""

    request = 0
    ask, submit, stats = wire.Client.ask, wire.Client.submit, wire.Client.stats

    def __init__(self, fleet, who, url=None, kind=zmq.DEALER, identity=None):
        self.socket = zmq.Context.instance().socket(kind)
        self.socket.linger = 0
        self.socket.curve_publickey, self.socket.curve_secretkey = key_pair(fleet.path(who))
        self.socket.curve_serverkey = fleet.server_key.encode()
        if identity:
            self.socket.identity = identity
        self.socket.connect(url or fleet.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, body, more=False):
        self.socket.send(body, zmq.SNDMORE if more else 0)

    def receive(self, timeout=10):
        if not self.socket.poll(timeout * 1000):
            raise TimeoutError
        return self.socket.recv()

    def next(self, *kinds):
        while (order := unpack(self.receive()))[0] not in kinds:
            pass
        return order


def key_pair(path):
    with open(path) as lines:
        fields = dict(line.strip().split(": ") for line in lines if not line.startswith("#"))
    return [fields[name].strip('"').encode() for name in ("public_key", "secret_key")]


def task_of(tenant, **fields):
    return task(id=new_id(tenant), tenant=tenant, **fields)


def expect_served(fleet):
    with Keyed(fleet, "acme-producer") as honest:
        expect(honest.ask(PING)[0] == wire.ANSWER, "an honest client is not answered")


def submitted(fleet):
    with Keyed(fleet, "root") as operator:
        return operator.stats()["tasks"]


# --- strangers

@case
def who_speaks_without_a_key_or_an_older_protocol_gets_no_further(fleet):
    openings = {
        "NULL": greeting() + ready(),
        "PLAIN": greeting(b"PLAIN") + command(b"HELLO", b"\x03bob\x06secret"),
        "ZMTP 2.0": SIGNATURE + b"\x01\x05" + b"\0\0" + b"\0\x02hi",
        "ZMTP 1.0": b"\x01\0" + b"\x03\0hi",
    }
    before = submitted(fleet)
    for url in (fleet.url, fleet.connect, fleet.status):
        for name, opening in openings.items():
            with Peer(url, silent=True) as peer:
                peer.raw(opening)
                expect(peer.is_cut_off(UNAUTHENTICATED_AFTER), f"{name} is not cut off")
    expect(submitted(fleet) == before, "a task came of it")
    expect_served(fleet)


@case
def four_hundred_megabytes_before_authentication_are_not_kept(fleet):
    size = memory(fleet)
    for url in (fleet.url, fleet.connect, fleet.status):
        with Peer(url, silent=True) as peer:
            peer.pour(b"CURVE", 400, start=b"\x05HELLO")
            expect(peer.is_cut_off(UNAUTHENTICATED_AFTER), "it was all taken")
    expect(memory(fleet) < size + 16 * MB, "memory was taken")
    expect_served(fleet)


@case
def what_was_said_once_cannot_be_said_again(fleet):
    with Tap(fleet.url) as tap, Keyed(fleet, "acme-producer", url=tap.url) as honest:
        outcome = honest.submit(task_of("acme"))[0]
        expect(outcome[4] is None, f"the first time it is refused: {outcome}")
    before = submitted(fleet)
    with Peer(fleet.url, silent=True) as peer:
        peer.raw(tap.said)
        expect(peer.is_cut_off(UNAUTHENTICATED_AFTER), "a recording is listened to")
    expect(submitted(fleet) == before, "a task came of a recording")


@case
def nobody_can_stand_in_for_the_broker(fleet):
    public, secret = zmq.curve_keypair()
    with zmq.Context.instance().socket(zmq.ROUTER) as impostor:
        impostor.linger = 0
        impostor.curve_server = True
        impostor.curve_publickey, impostor.curve_secretkey = public, secret
        port = impostor.bind_to_random_port("tcp://127.0.0.1")
        with Keyed(fleet, "acme-producer", url=f"tcp://127.0.0.1:{port}") as honest:
            honest.send(pack([SUBMIT, 1, [task_of("acme", payload=b"secret")]]))
            expect(not impostor.poll(1000), "something was said to somebody with another key")


@case
def a_flood_of_handshakes_holds_nobody_up_for_a_second(fleet):
    """Half of them are a recording, for which the broker opens a box and makes another; half are of
    a key that it does not know."""
    with Tap(fleet.url) as tap, Keyed(fleet, "acme-producer", url=tap.url) as honest:
        honest.ask(PING)
    opening = tap.said[:64 + 202]  # the greeting, and HELLO with its two bytes before it
    expect(opening[66:72] == b"\x05HELLO", "this is not where HELLO stands")
    stop, handshakes = threading.Event(), [0, 0]

    def replay():
        while not stop.is_set():
            try:
                with Peer(fleet.url, silent=True, timeout=1) as peer:
                    peer.raw(opening)
                    peer.take(64 + 170)  # its greeting and WELCOME
                handshakes[0] += 1
            except OSError:
                pass

    def knock():
        while not stop.is_set():
            with Stranger(fleet) as stranger:
                stranger.wait()
            handshakes[1] += 1

    flood = [threading.Thread(target=run) for run in (replay, replay, knock, knock)]
    with Keyed(fleet, "acme-producer") as honest:
        calm = latencies(honest)
        for thread in flood:
            thread.start()
        flooded = latencies(honest)
        stop.set()
        for thread in flood:
            thread.join()
    expect(min(handshakes) > 10, f"too few to speak of: {handshakes}")
    print(f"        {sum(handshakes)} handshakes in 3 s; p99 of a ping {percentile(calm, 0.99):.2f} ms "
          f"calm, {percentile(flooded, 0.99):.2f} ms flooded")
    expect(max(flooded) < 1000, f"an honest client waited {max(flooded):.0f} ms")


class Stranger(Keyed):
    """Somebody with a good key that is in nobody's list."""

    def __init__(self, fleet):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.curve_publickey, self.socket.curve_secretkey = zmq.curve_keypair()
        self.socket.curve_serverkey = fleet.server_key.encode()
        self.events = self.socket.get_monitor_socket()
        self.socket.connect(fleet.url)

    def wait(self):
        """Until the handshake has ended."""
        while self.events.poll(1000):
            event = struct.unpack("=hi", self.events.recv_multipart()[0])[0]
            if event in (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_DISCONNECTED):
                return
            expect(event != zmq.EVENT_HANDSHAKE_SUCCEEDED, "a stranger is let in")

    def __exit__(self, *_):
        self.socket.disable_monitor()
        self.socket.close()


def latencies(client, seconds=3):
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        client.ask(PING)
        times.append((time.monotonic() - started) * 1e3)
        time.sleep(0.002)
    return times


# --- owners of a key

@case
def another_tenants_topics_are_not_entered_and_not_heard(fleet):
    with Keyed(fleet, "root") as operator:
        before = operator.stats()
        with Keyed(fleet, "acme-reader", fleet.status, zmq.SUB) as reader:
            foreign = (b"", b"z", b"zeta/", b"zeta/task.ready/default/", b"_system/", b"acm")
            for topic in foreign:
                reader.socket.subscribe(topic)
            reader.socket.subscribe(b"acme/")
            wait_until("one's own is entered, the others are not", lambda: (
                lambda now: now["subscriptions"] == before["subscriptions"] + 1 and
                now["subscriptions_refused"] == before["subscriptions_refused"] + len(foreign)
            )(operator.stats()))
            for tenant in ("zeta", "acme"):  # in this order, on a bus that keeps it
                with Keyed(fleet, tenant + "-producer") as producer:
                    producer.submit(task_of(tenant))
            expect(reader.receive().startswith(b"acme/"), "another tenant's event is heard")


@case
def a_routing_id_of_ones_own_brings_no_session_and_nobodys_tasks(fleet):
    with Keyed(fleet, "acme-worker", fleet.connect) as honest:
        honest.send(hello(types=["id.test"]))
        session = honest.next(WELCOME)[1]
        for identity in (b"worker-1", b"robin"):
            with Keyed(fleet, "acme-worker", fleet.connect, identity=identity) as intruder:
                intruder.send(hello(types=["id.test"]))
                with Keyed(fleet, "acme-producer") as producer:
                    wanted = producer.submit(task_of("acme", type="id.test"))[0][0]
                item = honest.next(wire.ASSIGN)[2][0]
                expect(item[8][0] == wanted, "another task came")
                honest.send(pack([wire.DONE, session, [[wanted, item[0], b"1", None, None]]]))
                expect(honest.next(CONFIRM)[2][0][2] == OK, "its lease does not hold")
                expect_silence(intruder)


@case
def another_tenants_worker_cannot_be_impersonated(fleet):
    """The ids of workers are no secret: whoever says one that is another key's is a stranger to it."""
    worker_id = os.urandom(16)
    with Keyed(fleet, "acme-worker", fleet.connect) as victim:
        victim.send(hello(types=["spoof.test"], worker=worker_id))
        session = victim.next(WELCOME)[1]
        with Keyed(fleet, "zeta-worker", fleet.connect) as intruder:
            intruder.send(hello(types=["spoof.test"], worker=worker_id))
            expect(intruder.next(wire.WHO)[2] == wire.FORBIDDEN, "it may have another key's worker")
            intruder.send(pack([wire.HEARTBEAT, session, False, []]))
            expect(intruder.next(wire.WHO)[2] == wire.SESSION_UNKNOWN, "it may have another's session")
            with Keyed(fleet, "acme-producer") as producer:
                wanted = producer.submit(task_of("acme", type="spoof.test"))[0][0]
            item = victim.next(wire.ASSIGN)[2][0]
            expect(item[8][0] == wanted, "another task came")
            intruder.send(pack([wire.DONE, session, [[wanted, item[0], b"forged", None, None]]]))
            expect(intruder.next(wire.WHO)[2] == wire.SESSION_UNKNOWN, "the forged result is not refused")
            victim.send(pack([wire.DONE, session, [[wanted, item[0], b"true", None, None]]]))
            expect(victim.next(CONFIRM)[2][0][2] == OK, "the victim's lease does not hold")
        with Keyed(fleet, "acme-producer") as producer:
            shown = producer.ask(wire.SHOW, wanted)
            expect("forged" not in repr(shown), f"a forged result was taken: {shown}")


def expect_silence(peer, seconds=0.5):
    try:
        expect(False, f"it is answered: {peer.receive(timeout=seconds)!r}")
    except TimeoutError:
        pass


if __name__ == "__main__":
    run_cases(Secured)
