"""What a peer may do below the messages: on the connection, in the handshake, with frames and topics.
The broker cuts it off or leaves it unheard, counts it, keeps its memory, and serves the others."""

import os
import random
import resource
import socket
import struct
import time

from fleet import Fleet, case, cpu_seconds, expect, expect_refusal_to_start, memory, run_cases, wait_until
from wire import *
from zmtp import Peer, SIGNATURE, address, command, frame, greeting, pack, ready, unpack

MB = 1 << 20


def expect_served(fleet, within=1.0):
    started = time.monotonic()
    with Client(fleet.url) as client:
        expect(client.ask(PING)[0] == ANSWER, "no answer")
    took = time.monotonic() - started
    expect(took < within, f"an honest client had to wait {took:.2f} s")


def counted(fleet, code):
    with Client(fleet.url) as client:
        return client.stats()["refused"].get(code, 0)


@case
def a_frame_that_claims_exabytes_is_cut_off_and_nothing_is_allocated(fleet):
    before = memory(fleet)
    for size in (2 ** 63 - 1, 2 ** 64 - 1, 8 << 30, 1 << 32, 2 * MB):
        for url in (fleet.url, fleet.connect):
            with Peer(url) as peer:
                peer.raw(b"\x02" + struct.pack(">Q", size) + b"x")
                expect(peer.is_cut_off(5), f"a frame of {size} bytes is waited for")
    expect(memory(fleet) < before + 16 * MB, "memory was taken")
    expect_served(fleet)


@case
def a_command_that_claims_exabytes_is_cut_off_within_the_handshake(fleet):
    before = memory(fleet)
    for url in (fleet.url, fleet.connect, fleet.status):
        with Peer(url, silent=True) as peer:
            peer.raw(greeting())
            peer.raw(b"\x06" + struct.pack(">Q", 1 << 40) + b"\x05READY")
            expect(peer.is_cut_off(5), "a command of a terabyte is waited for")
    expect(memory(fleet) < before + 16 * MB, "memory was taken")


@case
def four_hundred_megabytes_before_the_handshake_are_not_kept(fleet):
    before = memory(fleet)
    with Peer(fleet.url, silent=True) as peer:
        peer.pour(b"NULL", 400)
        expect(peer.is_cut_off(5), "it was all taken")
    expect(memory(fleet) < before + 16 * MB, "memory was taken")


@case
def a_message_of_a_million_frames_is_thrown_away_and_new_connections_wait_meanwhile(_):
    with Fleet() as fleet:
        fleet.start_broker()
        before, size = counted(fleet, "MALFORMED"), memory(fleet)
        with Peer(fleet.url) as peer, Client(fleet.url) as honest:
            piece = frame(b"x", more=True) * 100_000
            for _ in range(10):
                peer.raw(piece)
            peer.raw(frame(b"end"))
            wait_until("new connections wait", lambda: not honest.stats()["listening"])
            expect(honest.submit(task())[0][4] is None, "a connection that stands is not served")
            wait_until("new connections are let in again", lambda: honest.stats()["listening"])
            expect(counted(fleet, "MALFORMED") > before + 1000, "it is not counted")
        expect_served(fleet, within=5)
        wait_until("its memory is free again", lambda: memory(fleet) < size + 128 * MB)


@case
def messages_of_two_frames_are_never_answered(fleet):
    with Peer(fleet.url) as peer:
        before = counted(fleet, "MALFORMED")
        peer.send(pack([PING, 1]), pack([PING, 2]))
        peer.send(pack([PING, 3]))
        expect(unpack(peer.receive())[1] == 3, "the message of two frames was answered")
        expect(counted(fleet, "MALFORMED") == before + 1, "it was not counted")


@case
def a_message_that_never_ends_ends_its_connection(fleet):
    before, size = counted(fleet, "MALFORMED"), memory(fleet)
    with Peer(fleet.url, timeout=30) as peer, Client(fleet.url) as idle:
        expect(idle.ask(PING)[0] == ANSWER, "no answer")
        flow(peer, lambda: None)
        expect(peer.is_cut_off(5), "it goes on for ever")
        expect(idle.ask(PING)[0] == ANSWER, "another connection was cut")
    expect(counted(fleet, "MALFORMED") == before + 1, "it was not counted")
    wait_until("its memory is free again", lambda: memory(fleet) < size + 128 * MB)
    expect_served(fleet)


def flow(peer, look):
    """Sends frames of one message, 200 MB a second, until cut off; looks after each tenth of a second."""
    piece = b"".join(frame(bytes(MB - 16), more=True) for _ in range(20))
    end = time.monotonic() + 30
    try:
        while time.monotonic() < end:
            peer.raw(piece)
            look()
            time.sleep(0.1)
    except OSError:
        pass


@case
def messages_that_never_end_cannot_take_more_memory_than_there_is(_):
    most = 300 * MB
    with Fleet({"limits.memory_max": "300MiB"}) as fleet:
        fleet.start_broker()
        largest = 0

        def look():
            nonlocal largest
            largest = max(largest, memory(fleet))

        for url in (fleet.url, fleet.connect):
            crowd = [Peer(url, timeout=30) for _ in range(200)]
            for peer in crowd:  # each of them within what one may have, and together too much
                try:
                    peer.raw(frame(bytes(MB - 16), more=True) * 2)
                except OSError:
                    pass  # cut already
                look()
            wait_until("they do not keep their memory", lambda: memory(fleet) < most * 0.9)
            for peer in crowd:
                peer.close()
            with Peer(url, timeout=30) as peer:
                flow(peer, look)
                expect(peer.is_cut_off(5), "it goes on for ever")
            wait_until("the memory is free again", lambda: memory(fleet) < most / 2)
        expect(largest < 2 * most, f"the broker had {largest / MB:.0f} MB")
        with Client(fleet.url) as client:
            wait_until("tasks are taken again", lambda: client.submit(task())[0][4] is None)


@case
def silent_and_dripping_connections_are_closed_after_three_seconds(fleet):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    silent = [socket.create_connection(address(fleet.url)) for _ in range(min(5000, most // 2))]
    dripping = [socket.create_connection(address(fleet.connect)) for _ in range(20)]
    started = time.monotonic()
    expect_served(fleet)
    text = greeting()
    for i in range(9):  # a byte each half second
        for peer in dripping:
            try:
                peer.send(text[i:i + 1])
            except OSError:
                pass
        time.sleep(max(0, started + i * 0.5 - time.monotonic()))
    for peer in silent + dripping:
        peer.settimeout(max(0.1, started + 8 - time.monotonic()))
        expect(was_closed(peer), "a connection that says nothing stays open")
    expect_served(fleet)


def was_closed(peer):
    try:
        while peer.recv(4096):
            pass
        return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        peer.close()


@case
def a_mute_peer_keeps_nobody_out(fleet):
    with Peer(fleet.url), Peer(fleet.url, silent=True) as half:
        half.raw(SIGNATURE)
        for _ in range(3):
            expect_served(fleet)


@case
def bytes_that_are_no_protocol_are_cut_off_or_unheard(fleet):
    for url in (fleet.url, fleet.connect, fleet.status):
        peers = []
        for seed in range(50):
            peer = Peer(url, silent=True)
            try:
                peer.raw(random.Random(seed).randbytes(2000))
            except ConnectionError:
                pass
            peers.append(peer)
        expect_served(fleet)
        for peer in peers:
            peer.close()


@case
def a_routing_id_of_ones_own_is_not_heard(fleet):
    for identity in (b"bob", b"robin", b"x" * 255):
        try:
            with Peer(fleet.url, identity=identity) as peer:
                peer.send(pack([PING, 1]))
                expect_no_answer(peer)
        except ConnectionError:
            pass
    expect_served(fleet)


@case
def the_next_routing_id_cannot_be_guessed(fleet):
    """libzmq numbers the peers of a router, and aborts when somebody has taken the next number for
    his own id. Without a seed rand() begins with these numbers in every process."""
    first = (1804289383, 846930886, 1681692777, 1714636915, 1957747793, 424238335)
    peers = []
    for url in (fleet.url, fleet.connect):
        for start in first + tuple(number | 1 << 31 for number in first):
            for number in range(start, start + 50):
                peer = Peer(url, silent=True)
                peer.raw(greeting() + ready(identity=b"\0" + struct.pack(">I", number)))
                peers.append(peer)
    for peer in peers:
        peer.take(64)
        peer.next_frame()
    for _ in range(50):
        expect_served(fleet)
        with Worker(fleet.connect):
            pass
    for peer in peers:
        peer.close()


def expect_no_answer(peer):
    try:
        expect(False, f"it is answered: {peer.receive(timeout=0.3)!r}")
    except (TimeoutError, ConnectionError):
        pass


@case
def half_a_million_subscriptions_of_one_peer_end_at_256(fleet):
    with Client(fleet.url) as client:
        before, size = client.stats(), memory(fleet)
        with Peer(fleet.status, socket_type=b"SUB") as peer:
            peer.raw(b"".join(frame(b"\x01topic/%06d" % i) for i in range(300)))
            after = wait_until("those beyond are refused", lambda: (
                lambda now: now if now["subscriptions_refused"] - before["subscriptions_refused"]
                == 300 - 256 else None)(client.stats()))
            expect(after["subscriptions"] - before["subscriptions"] == 256, f"{after}")
            expect(after["refused"]["RESOURCE_EXHAUSTED"] >= 300 - 256, "they are not in the table")
            try:
                for i in range(50):
                    peer.raw(b"".join(frame(b"\x01more/%06d" % (i * 10_000 + j)) for j in range(10_000)))
            except OSError:
                pass
            expect(peer.is_cut_off(5), "a peer that goes on is not cut off")
            grown = (memory(fleet) - size) // MB
            expect(grown < 32, f"they took {grown} MB")
        wait_until("they are gone with the peer", lambda: client.stats()["subscriptions"] == before["subscriptions"])


@case
def what_is_no_subscription_ends_a_subscribers_connection(fleet):
    with Peer(fleet.status, socket_type=b"SUB") as odd:
        odd.send(b"\x02" + b"no request")
        expect(odd.is_cut_off(5), "it stays")
    with Client(fleet.url) as client, Peer(fleet.status, socket_type=b"SUB") as honest:
        honest.send(b"\x01default/")
        wait_until("an honest subscriber is entered", lambda: client.stats()["subscriptions"] == 1)


@case
def topics_that_are_too_long_are_refused_and_huge_ones_cut_off(_):
    with Fleet() as fleet:
        fleet.start_broker()  # of its own: that nobody else's refusals are counted
        with Client(fleet.url) as client, Peer(fleet.status, socket_type=b"SUB") as peer:
            peer.send(b"\x01" + b"x" * 201)
            peer.send(b"\x01" + b"y" * 200)
            wait_until("one is entered, the longer one is not", lambda: [client.stats()[of] for of in (
                "subscriptions", "subscriptions_refused")] == [1, 1])
        size = memory(fleet)
        with Peer(fleet.status, socket_type=b"SUB") as peer:
            try:
                peer.raw(frame(b"\x01" + bytes(8 * MB)))
            except OSError:
                pass
            expect(peer.is_cut_off(5), "a topic of 8 MB is taken")
        expect(memory(fleet) < size + 4 * MB, "the topic took memory")


@case
def what_is_said_to_a_worker_that_has_gone_goes_to_another(fleet):
    with Client(fleet.url) as client:
        with Worker(fleet.connect, types=["t.gone"]):
            pass  # gone without a bye
        wanted = client.submit(task(type="t.gone"))[0][0]
        with Worker(fleet.connect, types=["t.gone"]) as there:
            task_id, attempt = there.take_task(timeout=20)
            expect(task_id == wanted, "another task came")
            expect(there.done(task_id, attempt) == OK, "its lease does not hold")


@case
def nothing_else_listens(fleet):
    wanted = {address(url)[1] for url in (fleet.url, fleet.connect, fleet.status)}
    ours = set()
    for fd in os.listdir(f"/proc/{fleet.broker.pid}/fd"):
        try:
            ours.add(os.readlink(f"/proc/{fleet.broker.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    listening = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in ours:
                    listening.add(int(fields[1].rsplit(":", 1)[1], 16))
    expect(listening == wanted, f"the broker listens on {listening}, not on {wanted}")


@case
def an_address_that_others_reach_needs_keys(fleet):
    expect_refusal_to_start({"broker.clients.bind": "tcp://0.0.0.0:*"}, 78, "security.")


@case
def when_descriptors_run_out_the_others_are_served_and_later_all(_):
    most = 400
    with Fleet() as fleet:
        fleet.start_broker(descriptors=most)
        with Client(fleet.url) as honest:
            crowd = []
            try:
                for _ in range(2 * most):
                    peer = Peer(fleet.url, silent=True, timeout=0.2)
                    peer.raw(greeting() + ready())
                    crowd.append(peer)
            except OSError:
                pass
            wait_until("no more are let in", lambda: not honest.stats()["listening"], 10)
            before = cpu_seconds(fleet.broker)
            for i in range(20):
                expect(honest.submit(task(type="t.crowd"))[0][4] is None, "an honest client is refused")
                time.sleep(0.05)
            used = cpu_seconds(fleet.broker) - before
            expect(used < 0.3, f"{used:.2f} s of processor time in one second of rest")
            for peer in crowd:
                peer.close()
            wait_until("connections are let in again", lambda: honest.stats()["listening"], 10)
        expect_served(fleet, within=5)


run_cases()
