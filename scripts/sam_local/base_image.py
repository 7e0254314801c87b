"""The image that functions run in: Lambda's own, or one like it where no registry can be reached."""

import subprocess
import tempfile
from pathlib import Path

from .containers import docker

PULL_TIMEOUT_SECONDS = 300


def ensure(runtime: str, architecture: str) -> str:
    """Makes sure that the image which SAM expects is there; says which one it is."""
    name = f"public.ecr.aws/lambda/{runtime.replace('.', ':')}-{architecture}"
    if not docker("images", "--quiet", name) and not _pulled(name):
        _bootstrap(name)
    release = docker("image", "inspect", "--format", '{{index .Config.Labels "base"}}', name)
    if release in ("", "<no value>"):
        return f"{name}, the official one"
    return f"{name}, a minimal {release} in its place (no registry could be reached)"


def _pulled(name: str) -> bool:
    try:
        return subprocess.run(["docker", "pull", "--quiet", name], timeout=PULL_TIMEOUT_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _bootstrap(name: str) -> None:
    """The same release as this machine's, so that its C library is one that the functions can be linked against."""
    release = _release()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        log = Path(folder) / "log"
        with log.open("wb") as output:
            command = ["debootstrap", "--variant=minbase", release, str(root)]
            if subprocess.run(command, stdout=output, stderr=output).returncode != 0:
                raise SystemExit(f"debootstrap {release} failed:\n{log.read_text()[-2000:]}")
        label = f"LABEL base={release}"
        with subprocess.Popen(["tar", "--create", "--directory", str(root), "."], stdout=subprocess.PIPE) as archive:
            subprocess.run(["docker", "import", "--change", label, "-", name], stdin=archive.stdout, check=True)


def _release() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        variable, _, value = line.partition("=")
        if variable == "VERSION_CODENAME":
            return value.strip('"')
    raise SystemExit("this system does not name its release, and no registry can be reached")
