"""What is shipped: `make sbom` (one bill of materials for each image) and `make licences` (docs/licences.md).

What an image holds is asked of uv.lock through uv itself; what a licence is, of the installed packages' own metadata.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.markers import Marker

from bot.knowledge.load import ROOT

PAGE = ROOT / "docs" / "licences.md"
FOLDER = ROOT / "build" / "sbom"
IMAGES = {"rasa": "3.10", "living": "3.12"}  # group of pyproject.toml and target of the Dockerfile: its Python
BASE = re.compile(r"^ARG (PYTHON_3_10|PYTHON_3_12|CADDY)=(\S+)$", re.MULTILINE)

# How packages write their licences, and what we call them (SPDX where that can be said).
_SPDX = {
    "mit license": "MIT",
    "apache software license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "bsd license": "BSD",
    "3-clause bsd license": "BSD-3-Clause",
    "python software foundation license": "PSF-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "gnu library or lesser general public license (lgpl)": "LGPL with exceptions",
    "artistic license": "Artistic",
    "isc license (iscl)": "ISC",
    "the unlicense (unlicense)": "Unlicense",
}
# May be shipped beside our MPL-2.0. The LGPL binds who changes the library itself, which we do not.
COMPATIBLE = {
    *("MIT", "MIT-0", "MIT-CMU", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "MPL-2.0", "ISC"),
    *("TCL", "Unlicense", "LGPL with exceptions"),
}
# Whose metadata says nothing; read in the licence file that lies beside the package.
_READ = {"huey": "MIT"}

_MARK = "<!-- from here on written by make licences -->\n"


def uv() -> str:
    """Return uv: on PATH, or the one bin/install put into .venv-uv."""
    return shutil.which("uv") or str(ROOT / ".venv-uv" / "bin" / "uv")


def bill(image: str) -> dict[str, Any]:
    """Return the CycloneDX document of an image: what its Python on Linux takes from the lock, and its base.

    Raises CalledProcessError.
    """
    command = [uv(), "export", "--frozen", "--quiet", "--no-default-groups", "--group", image]
    done = subprocess.run([*command, "--format", "cyclonedx1.5"], cwd=ROOT, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    there = {"python_full_version": f"{IMAGES[image]}.0", "python_version": IMAGES[image], "sys_platform": "linux"}
    kept = [one for one in found["components"] if Marker(_property(one, "uv:package:marker") or "").evaluate(there)]
    names = {one["bom-ref"] for one in kept} | {found["metadata"]["component"]["bom-ref"]}
    needs = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", []) if ref in names]}
        for one in found["dependencies"]
        if one["ref"] in names
    ]
    base = dict(BASE.findall((ROOT / "Dockerfile").read_text()))["PYTHON_" + IMAGES[image].replace(".", "_")]
    name, _, version = base.partition(":")
    kept.append({"type": "container", "bom-ref": base, "name": name, "version": version})
    del found["serialNumber"], found["metadata"]["timestamp"]  # the same lock gives the same document
    return {**found, "components": kept, "dependencies": needs}


def _property(component: dict[str, Any], name: str) -> str | None:
    return next((one["value"] for one in component.get("properties", []) if one["name"] == name), None)


def packages(image: str) -> dict[str, str]:
    """Return the Python packages of an image with their versions, by name."""
    return {one["name"]: one["version"] for one in bill(image)["components"] if one["type"] == "library"}


def licence(name: str) -> str | None:
    """Return the licence of an installed package; None where it is not installed in any environment of the desk."""
    metadata = next((found.metadata for found in _installed(name)), None)
    if metadata is None:
        return None
    classes = [one.split(" :: ")[-1] for one in metadata.get_all("Classifier") or [] if one.startswith("License ::")]
    named = [one for one in classes if one != "OSI Approved"]
    said = metadata["License-Expression"] or " OR ".join(map(_spdx, named)) or _spdx(metadata["License"] or "")
    return said or _READ.get(name) or "unknown"


def _installed(name: str) -> list[importlib.metadata.Distribution]:
    places = [str(path) for path in ROOT.glob(".venv*/lib/python3.*/site-packages")]
    return list(importlib.metadata.distributions(name=name, path=places))


def _spdx(text: str) -> str:
    return _SPDX.get(text.strip().lower(), text.strip())


def is_compatible(said: str) -> bool:
    """Return whether what stands there may be shipped: every part of an AND, one part of an OR."""
    return any(
        all(part.strip(" ()") in COMPATIBLE for part in re.split(r"\bAND\b", choice))
        for choice in re.split(r"\bOR\b", said)
    )


def page(present: str) -> str:
    """Return docs/licences.md with new tables. What it says now tells of packages that are not installed here."""
    known, lines = listed(present), []
    held = {image: packages(image) for image in IMAGES}
    for image, version in IMAGES.items():
        lines += [f"## Image {image} (Python {version})", "", "| package | licence |", "|---|---|"]
        lines += [f"| {name} | {licence(name) or known.get(name, 'unknown')} |" for name in sorted(held[image])]
        lines.append("")
    return present.partition(_MARK)[0] + _MARK + "\n" + "\n".join(lines)


def listed(text: str) -> dict[str, str]:
    """Return the licences that a page lists, by package."""
    return dict(re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|$", text, re.MULTILINE))


def write_bills(folder: Path = FOLDER) -> list[Path]:
    """Write the bills of materials; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for image in IMAGES:
        files.append(folder / f"vejviser-{image}.cdx.json")
        files[-1].write_text(json.dumps(bill(image), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return files


def main(what: str) -> None:
    """Write the bills (`sbom`) or the page (`licences`)."""
    if what == "licences":
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        print(PAGE)
    else:
        print(*write_bills(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
