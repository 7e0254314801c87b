"""`sam local`: one event, or the whole API."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server, socket
from tempfile import TemporaryDirectory
from typing import Any

# What the recorded events are for.
ORIGIN = "https://app.example.com"
PARAMETERS = {"AppOrigin": ORIGIN, "Issuer": "https://sessions.example.com", "Audience": "app"}

INVOKE_TIMEOUT_SECONDS = 120
START_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Usage:
    """What Lambda reports of an invocation and bills, in its own words."""

    # Only an invocation that started its container has one.
    init: str | None
    billed: str

    def __str__(self) -> str:
        return f"init {self.init or '-':>10}  billed {self.billed:>8}"


@dataclass(frozen=True)
class Invocation:
    """An answer and what it took."""

    answer: Any
    # SAM waits a second for the report and then removes the container: on a busy machine it may be lost.
    usage: Usage | None


def usages(log: str) -> list[Usage]:
    """What the REPORT lines of a log say."""
    lines = re.findall(r"REPORT RequestId:.*", log)
    inits = [re.search(r"Init Duration: ([\d.]+ ms)", line) for line in lines]
    billed = re.findall(r"REPORT RequestId:.*Billed Duration: ([\d.]+ ms)", log)
    return [Usage(init[1] if init else None, bill) for init, bill in zip(inits, billed, strict=True)]


class Sam:
    """`sam local` with a template that was built."""

    def __init__(self, template: Path, architecture: str) -> None:
        overrides = [f"{name}={value}" for name, value in {**PARAMETERS, "Architecture": architecture}.items()]
        self._options = ["--template", str(template), "--skip-pull-image", "--parameter-overrides", *overrides]
        # No credentials of whoever runs this; without any, every command would first look for some.
        credentials = {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        aws = {name for name in os.environ if name.startswith("AWS_")}
        self._environment = {name: value for name, value in os.environ.items() if name not in aws} | credentials

    def invoke(self, function: str, event: Path) -> Invocation:
        """Runs `sam local invoke`: a container of its own for one event."""
        command = ["sam", "local", "invoke", function, "--event", str(event), *self._options]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=INVOKE_TIMEOUT_SECONDS
        )
        try:
            answer = json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise InvocationError(f"sam local invoke gives no answer: {done.stdout}{done.stderr[-2000:]}") from error
        return Invocation(answer, next(iter(usages(done.stderr)), None))

    @contextmanager
    def api(self) -> Iterator["Api"]:
        """Runs `sam local start-api`, with every function's container started."""
        port = _free_port()
        with TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            # Watching its files, SAM would now and then start a second container for a function.
            warm = ["--port", str(port), "--warm-containers", "EAGER", "--no-watch"]
            command = ["sam", "local", "start-api", *warm, *self._options]
            with log.open("wb") as output:
                gateway = subprocess.Popen(
                    command, env=self._environment, stdout=output, stderr=output, start_new_session=True
                )
            try:
                api = Api(port, log)
                _wait_until_it_listens(gateway, api)
                yield api
            finally:
                gateway.terminate()
                gateway.wait()


class InvocationError(Exception):
    """An invocation that has no answer, and why."""


class Api:
    """A running `sam local start-api`."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def log(self) -> str:
        """Everything that it and the functions have written."""
        return self._log.read_text(errors="replace")

    def listens(self) -> bool:
        """Whether it takes requests."""
        with socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _wait_until_it_listens(gateway: subprocess.Popen[bytes], api: Api) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not api.listens():
        if gateway.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"sam local start-api does not start:\n{api.log()[-2000:]}")
        time.sleep(0.2)


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
