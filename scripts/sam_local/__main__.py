"""`make test-sam`: builds every function, invokes it with every recorded event, and holds a conversation."""

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from . import base_image, conversation, invocations, other_processor, prerequisites
from .artifacts import report_artifacts
from .containers import Containers, docker_daemon
from .report import Report
from .sam import Sam
from .secret import SecretsManager
from .table import table_at
from .template import BUILT, Template, write_local_copy


def main() -> int:
    """Runs everything; the exit code."""
    parser = argparse.ArgumentParser(prog="test-sam", description=__doc__)
    parser.add_argument(
        "--optional", action="store_true", help="say what is missing and succeed; CI does not accept that"
    )
    options = parser.parse_args()
    # Containers and dockerd are stopped on the way out, however that is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if missing := prerequisites.missing():
        print(f"left out: 'make test-sam', because {', '.join(missing)}", flush=True)
        return 0 if options.optional and not os.environ.get("CI") else 1
    began = time.monotonic()
    template = Template.read(Path("template.yaml"))
    architecture = prerequisites.architecture()
    report = Report()
    other_processor.link(template, architecture, report)
    build = ["make", "--no-print-directory", "build", f"ARCH={architecture}"]
    if subprocess.run(["scripts/timed", f"build for {architecture}", *build]).returncode != 0:
        return 1
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    report_artifacts(template, architecture, report)
    run(template, architecture, report)
    print(f"took {time.monotonic() - began:.0f} s")
    return report.close()


def run(template: Template, architecture: str, report: Report) -> None:
    """Runs what was built, in containers."""
    with ExitStack() as stack:
        stack.enter_context(docker_daemon())
        print(f"base image: {base_image.ensure(template.runtime, architecture)}", flush=True)
        containers = stack.enter_context(Containers(BUILT, template.functions))
        host = containers.host_address()
        secret = SecretsManager(host)
        endpoints = {
            "AWS_ENDPOINT_URL_DYNAMODB": stack.enter_context(table_at(host, secret.value)),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": stack.enter_context(secret.served()),
        }
        sam = Sam(write_local_copy(endpoints, secret.arn), architecture)
        invocations.run(sam, template, report)
        conversation.run(sam, containers, report)


sys.exit(main())
