"""The table: the embedded DynamoDB of `make run`, on a port that containers reach."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# As `make test` builds it: a package built alone chooses other features, and compiles every library anew.
BUILD = ["cargo", "build", "--quiet", "--workspace", "--all-targets"]


@contextmanager
def table_at(host: str, secret: str) -> Iterator[str]:
    """Runs the local stack with an empty table; the address of its DynamoDB.

    The stack publishes its own public key in the table: the functions' own, because it has the same secret.
    """
    arguments = ["--memory", "--port", "0", "--dynamodb-host", host, "--dynamodb-port", "0"]
    subprocess.run(BUILD, check=True)
    command = [Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "debug" / "local", *arguments]
    stack = subprocess.Popen(
        command, env={"SESSION_SECRET": secret}, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield _address(stack)
    finally:
        stack.terminate()
        stack.communicate()


def _address(stack: subprocess.Popen[str]) -> str:
    said: list[str] = []
    for line in stack.stdout or ():
        said.append(line)
        if ready := re.match(r"ready: .* DynamoDB (\S+)", line):
            return ready.group(1)
    raise SystemExit(f"the local stack does not start:\n{''.join(said)}")
