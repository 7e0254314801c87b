"""What was built: how large it is, for which processor, and whether Lambda's C library is new enough for it."""

import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from .report import Report, unless
from .template import BUILT, Template

# Amazon Linux 2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html). A base image made on
# this machine may have a newer one, and would not notice.
GLIBC_OF_RUNTIME = (2, 34)

# What an ELF file says of the processor it is for (e_machine), by the name that Lambda has for it.
MACHINES = {"arm64": 183, "x86_64": 62}


def report_artifacts(template: Template, architecture: str, report: Report) -> None:
    """Checks every function's binary, with its size."""
    for function in template.functions:
        binary = BUILT / function.name / "bootstrap"
        sizes = f"{binary.stat().st_size:>10,} bytes, zipped {_zipped(binary):>9,}"
        report_binary(f"{function.folder:<18} {sizes}", binary, architecture, report)


def report_binary(line: str, binary: Path, architecture: str, report: Report) -> None:
    """Checks what a binary needs of Lambda, and prints it after `line`."""
    content = binary.read_bytes()
    machine, glibc = _machine(content), _glibc(content)
    problems = [
        unless(machine == MACHINES[architecture], f"its processor has the number {machine}"),
        unless(glibc <= GLIBC_OF_RUNTIME, "it does not start on Lambda, whose glibc is older"),
    ]
    report.check(f"{line}, {architecture}, glibc {glibc[0]}.{glibc[1]}", next(filter(None, problems), None))


def _machine(content: bytes) -> int:
    """The number of the processor that an ELF file is for; 0 for what is none."""
    return int.from_bytes(content[18:20], "little") if content.startswith(b"\x7fELF") else 0


def _glibc(content: bytes) -> tuple[int, int]:
    """The oldest glibc that has every symbol which the binary asks for."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", content)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))


def _zipped(binary: Path) -> int:
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "function.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
            file.write(binary, "bootstrap")
        return archive.stat().st_size
