"""docker-compose.yml as processes: the same commands and environments, each service on a loopback port of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge.load import ROOT

COMPOSE = ROOT / "docker-compose.yml"
# ${NAME}, ${NAME:-what else}, ${NAME:?why it is needed}, and $$ for a dollar sign
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")


class TopologyError(ValueError):
    """The file needs something of the environment that is not there."""


@dataclass(frozen=True)
class Service:
    """One service: `image` is a target of the Dockerfile or a ready image, `port` the one it listens on."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int | None = None
    profiles: tuple[str, ...] = ()
    once: bool = False


def services(environ: Mapping[str, str], file: Path = COMPOSE) -> dict[str, Service]:
    """Return the services by name, with the environment filled in. Raises TopologyError for what is missing."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: _service(name, _filled(one, environ)) for name, one in document["services"].items()}


def _service(name: str, one: dict[str, Any]) -> Service:
    exposed = one.get("expose", [])
    return Service(
        name=name,
        image=one["build"]["target"] if "build" in one else one["image"],
        command=tuple(shlex.split(one["command"])),
        environment={key: str(value) for key, value in one.get("environment", {}).items()},
        port=int(exposed[0]) if exposed else None,
        profiles=tuple(one.get("profiles", ())),
        once=one["restart"] == "no",
    )


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    """Put the environment into every text, as Compose does."""
    if isinstance(value, dict):
        return {key: _filled(one, environ) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, environ) for one in value]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        given = environ.get(found["name"], "")
        if not given and found["how"] == ":?":
            raise TopologyError(f"{found['name']} mangler ({found['rest']}).")
        return given or (found["rest"] if found["how"] == ":-" else "")

    return _VARIABLE.sub(fill, value)


def on_loopback(given: Mapping[str, Service], ports: Mapping[str, int]) -> dict[str, Service]:
    """Return the services as they run on one machine: `rasa-1:5005` becomes `127.0.0.1:8206`, and so on.

    `ports` has the loopback port of every service that listens. What a service says of itself (its bare port, 0.0.0.0)
    is moved in its own command and environment only.
    """
    hosts = {name: one.port for name, one in given.items() if one.port}

    def moved(service: Service, text: str) -> str:
        for name, port in hosts.items():
            text = re.sub(rf"(?<![\w-]){name}:{port}\b", f"127.0.0.1:{ports[name]}", text)
        text = text.replace("0.0.0.0", "127.0.0.1")
        return re.sub(rf"(^|:){service.port}$", rf"\g<1>{ports[service.name]}", text) if service.port else text

    def environment(service: Service) -> dict[str, str]:
        out = {key: moved(service, value) for key, value in service.environment.items()}
        for key, name in service.environment.items():
            if key.endswith("_HOST") and name in hosts:  # a host and its port told apart
                out[key], out[key.removesuffix("_HOST") + "_PORT"] = "127.0.0.1", str(ports[name])
        return out

    return {
        name: replace(
            service,
            command=tuple(moved(service, word) for word in service.command),
            environment=environment(service),
            port=ports.get(name),
        )
        for name, service in given.items()
    }
