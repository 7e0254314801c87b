"""The template: which functions there are, and a copy of what was built that finds this machine's AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]

# Where `sam build` puts the functions and their template.
BUILT = Path(".aws-sam/build")


@dataclass(frozen=True)
class Function:
    """A function of the template."""

    # Its name in the template.
    name: str
    # Its folder under functions/, and under events/.
    folder: str


@dataclass(frozen=True)
class Template:
    """The template, as far as containers need it."""

    runtime: str
    functions: list[Function]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the template that is deployed."""
        template = yaml_parse(path.read_text())
        functions = [
            Function(name, Path(resource["Properties"]["CodeUri"]).name)
            for name, resource in template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        ]
        return cls(template["Globals"]["Function"]["Runtime"], functions)


def write_local_copy(variables: Mapping[str, str], secret_arn: str) -> Path:
    """Copies the built template, with more environment variables for every function.

    `sam local` can only set variables that the template declares, and where AWS is nobody has to say on AWS. It knows no
    ARN of a secret that was never made.
    """
    template: dict[str, Any] = yaml_parse((BUILT / "template.yaml").read_text())
    template["Globals"]["Function"]["Environment"]["Variables"].update(variables)
    for resource in template["Resources"].values():
        own = resource["Properties"].get("Environment", {}).get("Variables", {})
        if "SESSION_SECRET_ARN" in own:
            own["SESSION_SECRET_ARN"] = secret_arn
    copy = BUILT / "local.yaml"
    copy.write_text(yaml_dump(template))
    return copy
