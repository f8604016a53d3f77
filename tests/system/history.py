"""Holds what workers say they started against what producers were told was accepted.

A history line is "task attempt started_ms created_ms" for a start, "task attempt ok" for an end that
the broker has recorded. What the checker promises:

  every accepted task was started; nothing was started that no producer sent;
  no (task, attempt) was started twice;
  a task was started again only where something was killed between the two starts;
  of each task the end of one attempt was recorded at most, and none was started after that one.
"""

import bisect


class Broken(Exception):
    """A promise that a history does not keep."""


def expect(condition, message):
    if not condition:
        raise Broken(message)


def read_fields(paths):
    for path in paths:
        with open(path) as lines:
            yield from map(str.split, lines)


def read_starts(paths):  # the last line of a killed worker may be torn
    return [(fields[0], int(fields[1]), int(fields[2])) for fields in read_fields(paths) if len(fields) == 4]


def read_ends(paths):
    return [(fields[0], int(fields[1])) for fields in read_fields(paths)
            if len(fields) == 3 and fields[2] == "ok"]


def check_ends(starts, ends):
    """Of attempts that cannot fail: how many ends were recorded."""
    newest = {}
    for task, attempt, _ in starts:
        newest[task] = max(attempt, newest.get(task, 0))
    recorded = {}
    for task, attempt in ends:  # the same end may be confirmed again
        expect(recorded.setdefault(task, attempt) == attempt, f"{task} has ended twice")
        expect(attempt == newest.get(task), f"attempt {attempt} of {task} ended it, {newest.get(task)} was the newest")
    return len(recorded)


def check(accepted, starts, kills_ms, slack_ms, unknown_allowed=False):
    """`kills_ms`: moments of kills, ascending. `slack_ms`: how long after a kill its effect may show."""
    seen = set()
    by_task = {}
    for task, attempt, at in starts:
        expect((task, attempt) not in seen, f"attempt {attempt} of {task} was started twice")
        seen.add((task, attempt))
        by_task.setdefault(task, []).append((attempt, at))
    lost = [task for task in accepted if task not in by_task]
    expect(not lost, f"{len(lost)} accepted tasks were never started, such as {lost[:3]}")
    if not unknown_allowed:
        strangers = set(by_task) - set(accepted)
        expect(not strangers, f"{len(strangers)} tasks came from nowhere")
    again = 0
    for task, attempts in by_task.items():
        attempts.sort()
        for (_, before), (number, after) in zip(attempts, attempts[1:]):
            again += 1
            at = bisect.bisect_left(kills_ms, before - slack_ms)
            explained = at < len(kills_ms) and kills_ms[at] <= after
            expect(explained, f"{task} was started again (attempt {number}) and nothing explains it")
    return {"tasks": len(by_task), "starts": len(starts), "again": again}


def self_test():
    """The checker catches what it is there to catch."""
    good = [("a", 1, 1000), ("b", 1, 1000), ("b", 2, 3000)]
    check({"a", "b"}, good, [2000], 0)
    for broken, accepted, kills in [
        (good + [("a", 1, 1500)], {"a", "b"}, [2000]),  # an attempt twice
        (good, {"a", "b", "c"}, [2000]),                # a lost task
        (good, {"a", "b"}, []),                         # a second start for no reason
        (good, {"a"}, [2000]),                          # a task from nowhere
    ]:
        try:
            check(accepted, broken, kills, 0)
        except Broken:
            continue
        raise AssertionError("the history checker let a broken history pass")
    check_ends(good, [("a", 1), ("b", 2), ("b", 2)])
    for ends in [[("b", 1)], [("b", 1), ("b", 2)], [("c", 1)]]:  # stale; stale and recorded twice; nobody's
        try:
            check_ends(good, ends)
        except Broken:
            continue
        raise AssertionError("the history checker let a stale end pass")
