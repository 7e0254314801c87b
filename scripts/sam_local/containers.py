"""The Docker daemon, and the containers that `sam local` starts on it."""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from types import TracebackType
from typing import Self

from .prerequisites import docker_answers
from .template import Function

START_TIMEOUT_SECONDS = 60


def docker(*arguments: str) -> str:
    """Runs a docker command; what it prints."""
    done = subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def docker_daemon() -> Iterator[None]:
    """A Docker daemon: the one that runs, or one that is started now and stopped at the end."""
    if docker_answers():
        yield
        return
    with tempfile.TemporaryFile() as log:
        # A session of its own: Ctrl-C must not reach it before the containers are removed.
        daemon = subprocess.Popen(["dockerd"], stdout=log, stderr=log, start_new_session=True)
        try:
            deadline = time.monotonic() + START_TIMEOUT_SECONDS
            while not docker_answers():
                if daemon.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"dockerd does not start:\n{log.read().decode()[-2000:]}")
                time.sleep(0.5)
            yield
        finally:
            daemon.terminate()
            daemon.wait()


class Containers:
    """The containers of these functions, and no others; removed at the end."""

    def __init__(self, built: Path, functions: Sequence[Function]) -> None:
        self._code = {function.name: built.resolve() / function.name for function in functions}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove(self.existing())

    def host_address(self) -> str:
        """Where containers reach the ports of this machine: the address from which it reaches them."""
        network = ip_network(docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"))
        with socket(AF_INET, SOCK_DGRAM) as probe:
            # Sends nothing: it only chooses an address of this machine.
            probe.connect((str(network[-2]), 9))
            address: str = probe.getsockname()[0]
        return address

    def existing(self) -> dict[str, list[str]]:
        """The ids of each function's containers, found by the code that they hold."""
        return {name: self._holding(code) for name, code in self._code.items()}

    def remove(self, containers: dict[str, list[str]]) -> None:
        """Kills containers at once, as Lambda takes an execution environment away, and what they held with them."""
        ids = [container for of_function in containers.values() for container in of_function]
        if ids:
            docker("rm", "--force", *ids)

    def _holding(self, code: Path) -> list[str]:
        return docker("ps", "--all", "--quiet", "--filter", f"volume={code}").split()
