"""The fleet of deploy/docker/compose.yaml: built, started with keys that it makes itself, put to work,
killed, scaled and stopped. The tasks survive all of it.

    make container-test

Needs a Docker daemon with Compose. BASE names another base image than debian:bookworm-slim.
DROVER_IMAGE names an image that is there already; otherwise one is built, which takes minutes.
"""

import json
import os
import shutil
import signal
import subprocess

from machine import expect, fail, skip, wait_until

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
DOCKER = os.path.join(SOURCE, "deploy/docker")
PROJECT = f"drover-test-{os.getpid()}"
IMAGE = os.environ.get("DROVER_IMAGE") or PROJECT


def run(*command, code=0, **environment):
    env = {**os.environ, "DOCKER_BUILDKIT": "1", "DROVER_IMAGE": IMAGE, **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)
    if code is not None and done.returncode != code:
        fail(f"{' '.join(command)} ended {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def find_compose():
    if not shutil.which("docker") or run("docker", "info", code=None).returncode != 0:
        skip("there is no Docker daemon")
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and run(*command, "version", code=None).returncode == 0:
            return command
    return skip("there is no Docker Compose")


def compose(*arguments):
    return run(*COMPOSE, "-p", PROJECT, "-f", DOCKER + "/compose.yaml", *arguments).stdout.strip()


def drover(*arguments):
    """A command beside the broker, as its operator."""
    return compose("exec", "-T", "broker", "drover", *arguments)


def containers(service):
    return compose("ps", "-q", service).split()


def inspect(container, what):
    return run("docker", "inspect", "-f", "{{" + what + "}}", container).stdout.strip()


def is_healthy():
    return all(inspect(c, ".State.Health.Status") == "healthy" for c in containers("broker"))


def build():
    if "DROVER_IMAGE" in os.environ:
        return
    base = ["--build-arg", "BASE=" + os.environ["BASE"]] if "BASE" in os.environ else []
    run("docker", "build", *base, "--network", "host", "-f", DOCKER + "/Dockerfile", "-t", IMAGE, SOURCE)


def starts_with_keys_of_its_own():
    compose("up", "--no-build", "-d", "broker", "worker")
    wait_until("the broker is healthy", is_healthy)
    wait_until("two workers are there", lambda: len(json.loads(drover("worker", "list", "--json"))) == 2)
    said = compose("run", "--rm", "-T", "drover", "submit", "test.echo", '{"a":1}', "--wait", "--quiet")
    expect(json.loads(said) == {"a": 1}, f"another container's command printed {said}")


def lets_nobody_in_without_a_key():
    done = run(*COMPOSE, "-p", PROJECT, "-f", DOCKER + "/compose.yaml", "exec", "-T", "-e",
               "DROVER_SECURITY__KEY_FILE=", "-e", "DROVER_SECURITY__SERVER_KEY_FILE=", "broker",
               "drover", "ping", code=3)
    expect("key" in done.stderr, f"it does not say why: {done.stderr}")


def is_locked_down():
    for container in containers("broker") + containers("worker"):
        expect(inspect(container, ".HostConfig.ReadonlyRootfs") == "true", "the root is writable")
        status = run("docker", "exec", container, "grep", "-E", "^(CapBnd|NoNewPrivs|Uid)",
                     "/proc/1/status").stdout.split()
        expect(status == ["Uid:", *["7700"] * 4, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"], f"{status}")


def keeps_tasks_when_killed():
    task = drover("submit", "test.echo", '"later"', "--delay", "1h", "--quiet")
    broker, = containers("broker")
    os.kill(int(inspect(broker, ".State.Pid")), signal.SIGKILL)
    wait_until("Docker has started it again", lambda: int(inspect(broker, ".RestartCount")) == 1)
    wait_until("the broker is healthy", is_healthy)
    compose("down")
    compose("up", "--no-build", "-d", "broker")
    wait_until("the broker is healthy", is_healthy)
    expect(json.loads(drover("task", "show", task, "--json"))["state"] == "scheduled", "the task is gone")


def scales():
    compose("up", "--no-build", "-d", "--scale", "worker=4", "worker")
    wait_until("four workers are there", lambda: len(json.loads(drover("worker", "list", "--json"))) == 4)


COMPOSE = find_compose()
build()
try:
    starts_with_keys_of_its_own()
    lets_nobody_in_without_a_key()
    is_locked_down()
    keeps_tasks_when_killed()
    scales()
finally:
    compose("down", "--volumes")
print("the containers start, work, are locked down, and keep the tasks")
