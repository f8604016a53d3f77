"""What a peer may write into a well-formed frame, and what comes back: each bad message is refused by
its code and counted, changes nothing, and the next good one is answered."""

import gzip
import struct

from fleet import case, expect, memory, run_cases, wait_until
from wire import *
from zmtp import Raw, pack, unpack

MB = 1 << 20


def refused(client, body):
    """The code of the refusal of a raw frame, and the whole answer."""
    client.send(body)
    answer = unpack(client.receive())
    expect(answer[0] == REFUSED, f"not refused: {answer}")
    return answer[2]


def expect_served(client):
    expect(client.ask(PING)[0] == ANSWER, "the next good request is not answered")


@case
def unknown_kinds_versions_and_shapes_are_refused_and_the_connection_stays(fleet):
    with Client(fleet.url) as client:
        for body, code in ((pack([200, 1]), UNKNOWN_MESSAGE),
                           (pack([0, 1]), UNKNOWN_MESSAGE),
                           (pack([1, 1, 0, "old"]), UNSUPPORTED_VERSION),
                           (pack([1, 1, 255, "new"]), UNSUPPORTED_VERSION),
                           (pack("no array"), MALFORMED),
                           (pack([]), MALFORMED),
                           (b"", MALFORMED),
                           (b"\xc1", MALFORMED),
                           (pack([PING]), MALFORMED),
                           (pack([PING, "one"]), MALFORMED)):
            expect(refused(client, body) == code, f"{body!r} got another code than {code}")
        expect_served(client)


@case
def a_count_of_four_billion_is_held_against_the_bytes_that_follow(fleet):
    before = memory(fleet)
    with Client(fleet.url) as client:
        for count in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
                      b"\xdb\xff\xff\xff\xff"):
            expect(refused(client, count) == MALFORMED, "as the frame")
            expect(refused(client, b"\x93\x02\x07" + count) == MALFORMED, "as a field")
        expect_served(client)
    expect(memory(fleet) < before + 8 * MB, "a count that lies took memory")


@case
def values_nested_beyond_32_are_refused(fleet):
    with Client(fleet.url) as client:
        for levels in (33, 100_000):
            body = b"\x93" + pack(PING) + pack(1) + b"\x91" * levels + b"\xc0"
            expect(refused(client, body) == TOO_DEEP, f"{levels} levels")
        client.send(b"\x93" + pack(PING) + pack(1) + b"\x91" * 20 + b"\xc0")
        expect(unpack(client.receive())[0] == ANSWER, "20 levels are fine")


@case
def names_that_are_no_names_are_refused_with_their_field(fleet):
    with Client(fleet.url) as client:
        for name in ("", "a\0b", "a b", "a/b", "\u202egpj.exe", "x" * 65, "ä"):
            outcome = client.submit(task(type=name))[0]
            expect(outcome[4] in (BAD_NAME, INVALID_ARGUMENT) and outcome[6] == "type", f"{name!r}: {outcome}")
            if name:
                outcome = client.submit(task(queue=name))[0]
                expect(outcome[4] == BAD_NAME and outcome[6] == "queue", f"{name!r}: {outcome}")
        expect(client.submit(task())[0][4] is None, "a good one")


@case
def texts_that_are_no_utf8_and_numbers_of_another_kind_are_malformed(fleet):
    with Client(fleet.url) as client:
        for bad in (b"\xa2\xc0\xaf", b"\xa3\xed\xa0\x80", b"\xa1\xff", b"\xa4\xf8\x88\x80\x80"):
            expect(client.submit(task(type=Raw(bad)))[0][4] == MALFORMED, f"{bad!r} as a type")
        nan, infinity = b"\xcb\x7f\xf8" + bytes(6), b"\xcb\x7f\xf0" + bytes(6)
        minus_zero = b"\xcb\x80" + bytes(7)
        for bad in (nan, infinity, minus_zero, b"\xcf" + b"\xff" * 8, pack("soon"), b"\x81\x01\x02"):
            code = client.submit(task(delay_ms=Raw(bad)))[0][4]
            expect(code in (MALFORMED, INVALID_ARGUMENT), f"{bad!r} as a delay: {code}")
        expect_served(client)


@case
def bytes_after_the_message_are_refused(fleet):
    with Client(fleet.url) as client:
        expect(refused(client, pack([PING, 1]) + b"\x00") == MALFORMED, "a byte too many")
        expect(refused(client, pack([PING, 1]) + pack([PING, 2])) == MALFORMED, "two messages")
        expect_served(client)


@case
def metadata_and_requirements_have_limits(fleet):
    with Client(fleet.url) as client:
        for fields in ({"metadata": [["k%d" % i, "v"] for i in range(65)]},
                       {"metadata": [["k", "v" * 9000]]},
                       {"required_capabilities": ["c%d" % i for i in range(65)]},
                       {"required_labels": [["l%d" % i, "x"] for i in range(65)]}):
            code = client.submit(task(**fields))[0][4]
            expect(code in (TOO_MANY_ELEMENTS, INVALID_ARGUMENT), f"{list(fields)}: {code}")


@case
def extension_types_are_no_values_of_ours(fleet):
    timestamp = b"\xc7\x0c\xff" + struct.pack(">Iq", 0, 2 ** 63 - 1)  # the year 292 billion
    with Client(fleet.url) as client:
        for ext in (b"\xd4\x55\x00", timestamp):
            for field in ("not_before", "type"):
                answer = client.ask(SUBMIT, [task(**{field: Raw(ext)})])
                expect(answer[0] == REFUSED and answer[2] == MALFORMED, f"{field}: {answer}")
        expect_served(client)


@case
def a_payload_that_would_inflate_is_carried_as_it_is(fleet):
    bomb = gzip.compress(bytes(50 * MB))
    with Client(fleet.url) as client, Worker(fleet.connect, types=["t.gzip"]) as worker:
        before = memory(fleet)
        client.submit(task(type="t.gzip", payload=bomb, content_type="application/gzip"))
        item = worker.next(ASSIGN)[2][0]
        expect(item[8][2] == bomb, "the payload has changed")
        expect(memory(fleet) < before + 8 * MB, "the payload was inflated")
        worker.done(item[8][0], item[0])


@case
def numbers_out_of_range_are_refused_with_their_field_and_without_their_value(fleet):
    century = 100 * 366 * 24 * 3600 * 1000
    with Client(fleet.url) as client:
        for field, value in (("priority", 10), ("priority", -1), ("priority", 2 ** 31),
                             ("delay_ms", century), ("delay_ms", -1), ("max_attempts", 0),
                             ("max_attempts", 2 ** 31), ("timeout_ms", century), ("ttl_ms", -5)):
            outcome = client.submit(task(**{field: value}))[0]
            expect(outcome[4] in (INVALID_ARGUMENT, MALFORMED), f"{field}={value}: {outcome}")
            if outcome[4] == INVALID_ARGUMENT and outcome[6]:
                expect(outcome[6] == field, f"{outcome}")
                expect(abs(value) < 100 or str(value) not in outcome[5], f"{outcome}")


@case
def a_lease_that_is_not_held_is_stale_and_changes_nothing(fleet):
    with Client(fleet.url) as client, Worker(fleet.connect, types=["t.lease"]) as holder, \
            Worker(fleet.connect, types=["other"]) as other:
        wanted = client.submit(task(type="t.lease"))[0][0]
        task_id, attempt = holder.take_task()
        expect(task_id == wanted, "another task came")
        expect(holder.done(task_id, attempt - 1) == STALE_LEASE, "an attempt before")
        expect(holder.done(task_id, attempt + 1) == STALE_LEASE, "an attempt to come")
        expect(other.done(task_id, attempt) == STALE_LEASE, "another worker's lease")
        expect(holder.done(new_id(), 1) == NOT_FOUND, "a task that nobody submitted")
        expect(show(client, task_id)["state"] == "running", "the task has moved")
        other.send(pack([DONE, 12345, [[task_id, attempt, b"{}", None, None]]]))
        expect(other.next(WHO)[2] == SESSION_UNKNOWN, "a session that was made up")
        expect(show(client, task_id)["state"] == "running", "the task has moved")
        expect(holder.done(task_id, attempt) == OK, "the holder's own")


@case
def a_task_that_is_done_twice_is_confirmed_twice_and_told_once(fleet):
    with Client(fleet.url) as client, Worker(fleet.connect, types=["t.twice"]) as worker:
        client.submit(task(type="t.twice"))
        task_id, attempt = worker.take_task()
        expect(worker.done(task_id, attempt, b"1") == OK, "the first time")
        before = client.stats()["seq"]
        expect(worker.done(task_id, attempt, b"2") == OK, "the second time")
        expect(client.stats()["seq"] == before, "the repeat was told as an event")
        shown = show(client, task_id)
        expect(shown["state"] == "completed" and shown["result"] == b"1", f"{shown}")


@case
def a_result_that_is_too_large_fails_the_attempt_for_good_and_keeps_the_worker(fleet):
    with Client(fleet.url) as client, Worker(fleet.connect, types=["t.large"]) as worker:
        client.submit(task(type="t.large"))
        task_id, attempt = worker.take_task()
        expect(worker.done(task_id, attempt, b"x" * (256 * 1024 + 1)) == RESULT_TOO_LARGE, "not refused")
        expect(show(client, task_id)["state"] == "dead", "it runs again")
        client.submit(task(type="t.large"))
        expect(worker.done(*worker.take_task()) == OK, "the worker is gone")


@case
def a_storm_of_heartbeats_is_read_now_and_then_and_costs_no_commit(fleet):
    with Client(fleet.url) as client, Worker(fleet.connect, types=["t.storm"]) as worker:
        before = client.stats()
        beat = pack([HEARTBEAT, worker.session, False, []])
        for _ in range(100):
            worker.send_many([beat] * 100)
        client.submit(task(type="t.storm"))
        expect(worker.done(*worker.take_task()) == OK, "the worker is not heard any more")
        after = client.stats()
        dropped = after["refused"].get("RATE_LIMITED", 0) - before["refused"].get("RATE_LIMITED", 0)
        expect(dropped >= 9000, f"only {dropped} of 10,000 were left unread")
        expect(after["commits"] - before["commits"] <= 4, "heartbeats were written to the disk")


@case
def twenty_unreadable_frames_and_a_connection_is_not_read_any_more(fleet):
    with Client(fleet.url) as bad, Client(fleet.url) as good:
        before = good.stats()
        for i in range(20):
            bad.send(b"\xc1")
            answer = unpack(bad.receive())
            expect(answer[2] == MALFORMED, f"{answer}")
        expect(answer[5] == 60_000, f"the last refusal does not say for how long: {answer}")
        bad.send_many([pack([PING, 1])] * 1000)
        counted = wait_until("what the bad one sends is counted", lambda: (
            lambda now: now if now["refused"].get("RATE_LIMITED", 0)
            - before["refused"].get("RATE_LIMITED", 0) >= 1000 else None)(good.stats()))
        expect(counted["ignored_peers"] == before["ignored_peers"] + 1, f"{counted}")
        expect(not bad.is_cut_off(0.2), "it was to be ignored, not cut off")
    with Client(fleet.url) as again:
        expect_served(again)


@case
def a_task_has_only_the_fields_of_the_catalogue_and_no_state_of_its_own(fleet):
    with Client(fleet.url) as client:
        more = task() + ["state", "completed", 7]
        outcome = client.submit(more)[0]
        expect(outcome[4] is None and outcome[1] != 5, f"further fields are not ignored: {outcome}")


def show(client, task_id):
    kind, _, body = client.ask(SHOW, task_id)
    assert kind == ANSWER, body
    return body


run_cases()
