"""What a machine needs to run functions in containers."""

import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator


def architecture() -> str:
    """The name that Lambda has for this machine's processor: containers run what is built for it."""
    return {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


def docker_answers() -> bool:
    """Whether a Docker daemon can be reached."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def can_start_docker() -> bool:
    """Whether this process may start a daemon of its own."""
    return os.geteuid() == 0 and shutil.which("dockerd") is not None


def missing() -> list[str]:
    """What keeps functions from running here, each with how to get it; nothing if they can."""
    return list(_missing())


def _missing() -> Iterator[str]:
    if platform.system() != "Linux":
        yield "containers reach this machine's ports at their bridge's address on Linux alone"
    if not shutil.which("cargo-lambda") or not (shutil.which("zig") or importlib.util.find_spec("ziglang")):
        yield "cargo-lambda or zig is not installed (pip install cargo-lambda ziglang)"
    if not shutil.which("docker"):
        yield "docker is not installed (apt-get install docker.io debootstrap)"
    elif not docker_answers() and not can_start_docker():
        yield "no Docker daemon answers (start dockerd, or run this as root with it installed)"
