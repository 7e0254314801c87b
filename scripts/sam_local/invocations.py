"""Every function, invoked with every event that was recorded for it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .report import Report
from .sam import InvocationError, Sam
from .template import Function, Template

EVENTS = Path("events")

# Functions that are invoked at a time. Most of an invocation is waiting: for the container, and for its report.
AT_A_TIME = 2

# What the answer to each event has to have; the tokens in them are not genuine.
EXPECTED: dict[str, dict[str, Any] | None] = json.loads((EVENTS / "answers.json").read_text())


def run(sam: Sam, template: Template, report: Report) -> None:
    """Invokes every function, several at a time, and reports in order of their names."""
    functions = sorted(template.functions, key=lambda function: function.folder)
    with ThreadPoolExecutor(AT_A_TIME) as workers:
        for checked in workers.map(lambda function: list(_checked(sam, function)), functions):
            for line, problem in checked:
                report.check(line, problem)
    known = {function.folder for function in template.functions}
    for folder in sorted(EVENTS.iterdir()):
        if folder.is_dir() and folder.name not in known:
            report.check(str(folder), "the template has no such function")


def _checked(sam: Sam, function: Function) -> Iterator[tuple[str, str | None]]:
    """A line and its problem for each event of a function: one after the other, because they share a table."""
    events = sorted((EVENTS / function.folder).glob("*.json"))
    if not events:
        yield function.folder, f"there is no event for it in {EVENTS / function.folder}/"
    for event in events:
        yield _check(sam, function.name, event)


def _check(sam: Sam, function: str, event: Path) -> tuple[str, str | None]:
    """Invokes a function with an event, and compares what it answers."""
    name = f"{event.parent.name}/{event.stem}"
    try:
        invocation = sam.invoke(function, event)
    except InvocationError as error:
        return name, str(error)
    answer = invocation.answer
    told = answer.get("statusCode", answer) if isinstance(answer, dict) else answer
    return f"{name:<34} {told!s:<5} {invocation.usage or 'not reported'}", _problem(name, answer)


def _problem(name: str, answer: Any) -> str | None:
    if isinstance(answer, dict) and "errorType" in answer:
        return f"the function failed: {answer['errorType']}: {answer.get('errorMessage')}"
    if name not in EXPECTED:
        return f"no answer is expected yet: add {name} to {EVENTS / 'answers.json'}"
    expected = EXPECTED[name]
    if isinstance(expected, dict) and isinstance(answer, dict):
        answer = {member: answer.get(member) for member in expected}
    return None if answer == expected else f"expected {expected}"
