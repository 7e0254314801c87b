"""The functions for the processor that this machine does not have: nobody can run them here, but they can be linked."""

import subprocess
from pathlib import Path

from .artifacts import report_binary
from .report import Report
from .template import Template

FLAGS = {"arm64": "--arm64", "x86_64": "--x86-64"}

# Apart from what SAM packs.
LINKED = Path("target/linked")


def link(template: Template, own: str, report: Report) -> None:
    """Links every function for the processor that is not `own`, and checks what comes out.

    All in one call and not optimised, which takes a third of the time: whether code and libraries fit the processor does
    not depend on either.
    """
    other = next(name for name in FLAGS if name != own)
    packages = [argument for function in template.functions for argument in ("--package", function.folder)]
    # Cargo Lambda may first ask rustup for the standard library of that processor.
    command = ["cargo", "lambda", "build", FLAGS[other], "--lambda-dir", str(LINKED), *packages]
    linked = subprocess.run(["scripts/timed", f"link for {other}", *command]).returncode == 0
    report.check(f"all functions link for {other}", None if linked else "they do not")
    if linked:
        for function in template.functions:
            binary = LINKED / function.folder / "bootstrap"
            report_binary(f"{function.folder:<18} linked", binary, other, report)
