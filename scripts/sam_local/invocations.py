"""Every function, invoked with every event that was recorded for it."""

import json
from pathlib import Path
from typing import Any

from .report import Report
from .sam import InvocationError, Sam
from .template import Template

EVENTS = Path("events")

# What the answer to each event has to have; the tokens in them are not genuine.
EXPECTED: dict[str, dict[str, Any] | None] = json.loads((EVENTS / "answers.json").read_text())


def run(sam: Sam, template: Template, report: Report) -> None:
    """One table for all events, so they are sent in order of their names."""
    for function in sorted(template.functions, key=lambda function: function.folder):
        events = sorted((EVENTS / function.folder).glob("*.json"))
        if not events:
            report.check(function.folder, f"there is no event for it in {EVENTS / function.folder}/")
        for event in events:
            check(sam, function.name, event, report)
    known = {function.folder for function in template.functions}
    for folder in sorted(EVENTS.iterdir()):
        if folder.is_dir() and folder.name not in known:
            report.check(str(folder), "the template has no such function")


def check(sam: Sam, function: str, event: Path, report: Report) -> None:
    """Invokes a function with an event, and compares what it answers."""
    name = f"{event.parent.name}/{event.stem}"
    try:
        invocation = sam.invoke(function, event)
    except InvocationError as error:
        report.check(name, str(error))
        return
    answer = invocation.answer
    told = answer.get("statusCode", answer) if isinstance(answer, dict) else answer
    report.check(f"{name:<34} {told!s:<5} {invocation.usage or 'not reported'}", _problem(name, answer))


def _problem(name: str, answer: Any) -> str | None:
    if isinstance(answer, dict) and "errorType" in answer:
        return f"the function failed: {answer['errorType']}: {answer.get('errorMessage')}"
    if name not in EXPECTED:
        return f"no answer is expected yet: add {name} to {EVENTS / 'answers.json'}"
    expected = EXPECTED[name]
    if isinstance(expected, dict) and isinstance(answer, dict):
        answer = {member: answer.get(member) for member in expected}
    return None if answer == expected else f"expected {expected}"
