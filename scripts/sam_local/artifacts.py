"""What was built: how large it is, and whether Lambda's C library is new enough for it."""

import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from .report import Report, unless
from .template import BUILT, Template

# Amazon Linux 2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html). A base image made on
# this machine may have a newer one, and would not notice.
GLIBC_OF_RUNTIME = (2, 34)


def report_artifacts(template: Template, report: Report) -> None:
    """Checks every function's binary."""
    for function in template.functions:
        binary = BUILT / function.name / "bootstrap"
        glibc, size = _glibc(binary), _zipped(binary)
        sizes = f"{binary.stat().st_size:>10,} bytes, zipped {size:>9,}"
        line = f"{function.folder:<18} {sizes}, glibc {glibc[0]}.{glibc[1]}"
        report.check(line, unless(glibc <= GLIBC_OF_RUNTIME, "it does not start on Lambda, whose glibc is older"))


def _glibc(binary: Path) -> tuple[int, int]:
    """The oldest glibc that has every symbol which the binary asks for."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary.read_bytes())
    return max((int(major), int(minor)) for major, minor in versions)


def _zipped(binary: Path) -> int:
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "function.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
            file.write(binary, "bootstrap")
        return archive.stat().st_size
