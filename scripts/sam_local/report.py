"""What was checked, one line each, and how it ended."""

import sys


class Report:
    """Counts what held and what did not."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def check(self, line: str, problem: str | None) -> None:
        """Prints a line for something that was checked; `problem` says what is wrong with it."""
        if problem is None:
            self.passed += 1
            print(f"ok      {line}")
        else:
            self.failed += 1
            print(f"FAILED  {line}: {problem}")
        sys.stdout.flush()

    def close(self) -> int:
        """Prints the closing line; the exit code."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.passed and not self.failed else 1


def unless(holds: object, problem: str) -> str | None:
    """The problem, if what has to hold does not."""
    return None if holds else problem
