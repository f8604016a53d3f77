"""Holds what workers say they started against what producers were told was accepted.

A history line is "task attempt started_ms created_ms". What the checker promises:

  every accepted task was started; nothing was started that no producer sent;
  no (task, attempt) was started twice;
  a task was started again only where something was killed between the two starts.
"""



class Broken(Exception):
    """A promise that a history does not keep."""


def expect(condition, message):
    if not condition:
        raise Broken(message)


def read_starts(paths):
    starts = []
    for path in paths:
        with open(path) as lines:
            for line in lines:
                fields = line.split()
                if len(fields) == 4:  # the last line of a killed worker may be torn
                    starts.append((fields[0], int(fields[1]), int(fields[2])))
    return starts


def check(accepted, starts, kills_ms, slack_ms, unknown_allowed=False):
    """`kills_ms`: moments of kills. `slack_ms`: how long after a kill its effect may show."""
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
            explained = any(before - slack_ms <= kill <= after for kill in kills_ms)
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
