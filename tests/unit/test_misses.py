"""The labelled CSV that comes back: everything joins the training data, or nothing does."""

import csv

import pytest
import yaml

from bot.misses import COLUMNS, MissesError, merge, misses, write_misses

KNOWN = """\
version: "3.1"
nlu:
- intent: ask
  metadata:
    topic: bostoette
    facets: []
  examples: |
    - kan min søster få bostøtte
- intent: thanks
  examples: |
    - tusind tak
"""


@pytest.fixture
def folder(tmp_path):
    nlu = tmp_path / "nlu"
    nlu.mkdir()
    (nlu / "known.yml").write_text(KNOWN, encoding="utf-8")
    return nlu


def labelled(tmp_path, *rows, delimiter=","):
    path = tmp_path / "misses.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(text, act="ask", topic="bostoette", facets=""):
    return {"text": text, "act": act, "topic": topic, "facets": facets}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_labelled_rows_join_and_the_difference_is_shown(tmp_path, folder, directory, delimiter):
    rows = [
        row("hun får aldrig vasket op [fjernet]", facets="time;complaint"),
        row("ok mange tak for det", "thanks", ""),
    ]
    difference = merge(labelled(tmp_path, *rows, delimiter=delimiter), directory, folder)
    assert "+    - hun får aldrig vasket op\n" in difference and "+    - ok mange tak for det\n" in difference
    blocks = yaml.safe_load((folder / "learnt.yml").read_text(encoding="utf-8"))["nlu"]
    assert blocks[0]["metadata"] == {"topic": "bostoette", "facets": ["time", "complaint"]}
    assert blocks[1]["intent"] == "thanks" and "metadata" not in blocks[1]


@pytest.mark.parametrize(
    "text", ["=hun får aldrig vasket op", "-- hun får aldrig vasket op", "'s nachts vasker hun op"]
)
def test_no_spreadsheet_runs_a_message_and_it_comes_back_as_written(tmp_path, folder, directory, text):
    path = tmp_path / "out.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write_misses([dict.fromkeys(COLUMNS, "") | row(text)], file)
    assert not csv_cells(path)[0]["text"].startswith(("=", "-"))
    assert f"    - {text}\n" in merge(path, directory, folder)


def csv_cells(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_was_learnt_before_stays(tmp_path, folder, directory):
    merge(labelled(tmp_path, row("hun får aldrig vasket op")), directory, folder)
    difference = merge(labelled(tmp_path, row("han spiser kun toast")), directory, folder)
    assert "-    " not in difference
    assert len(yaml.safe_load((folder / "learnt.yml").read_text(encoding="utf-8"))["nlu"]) == 2


def test_rows_without_an_act_are_left_alone(tmp_path, folder, directory):
    assert merge(labelled(tmp_path, row("noget andet", act="")), directory, folder) == ""
    assert not (folder / "learnt.yml").exists()


@pytest.mark.parametrize(
    "wrong, said",
    [
        (row("hun sover hele dagen", topic="bostotte"), "topic 'bostotte' kendes ikke"),
        (row("hun sover hele dagen", topic=""), "topic mangler"),
        (row("hun sover hele dagen", act="spørg"), "act 'spørg' kendes ikke"),
        (row("hun sover hele dagen", facets="tid"), "facet 'tid' kendes ikke"),
        (row("mit cpr er 010190-1234, hvad nu"), "personlige oplysninger"),
        (row("Kan min søster få bostøtte?"), "findes allerede"),
        (row("  "), "teksten er tom"),
    ],
)
def test_a_fault_is_named_with_its_row_and_nothing_changes(tmp_path, folder, directory, wrong, said):
    with pytest.raises(MissesError) as error:
        merge(labelled(tmp_path, row("en god sætning om opvask"), wrong), directory, folder)
    assert any(problem.startswith("række 3: ") and said in problem for problem in error.value.problems)
    assert not (folder / "learnt.yml").exists()


def test_the_same_sentence_twice_in_a_file_is_refused(tmp_path, folder, directory):
    with pytest.raises(MissesError):
        merge(labelled(tmp_path, row("hun sover hele dagen"), row("Hun sover hele dagen!")), directory, folder)


def test_a_file_with_other_columns_or_encoding_is_named(tmp_path, folder, directory):
    path = tmp_path / "wrong.csv"
    path.write_text("tekst,emne\nhej,bostoette\n", encoding="utf-8")
    with pytest.raises(MissesError, match="4 fejl"):
        merge(path, directory, folder)
    path.write_bytes("text,act,topic,facets\nvår\n".encode("latin-1"))
    with pytest.raises(MissesError) as error:
        merge(path, directory, folder)
    assert "CSV UTF-8" in error.value.problems[0]


def test_the_least_certain_come_first_and_each_once():
    def parsed(text, act, certainty, *topics):
        ranking = [{"name": name, "confidence": confidence} for name, confidence in topics]
        return {"text": text, "intent": {"name": act, "confidence": certainty}, "topic_ranking": ranking}

    rows = misses(
        [
            parsed("sikker", "ask", 0.9, ("bostoette", 0.8)),
            parsed("lidt i tvivl", "ask", 0.9, ("bostoette", 0.4), ("vum", 0.3), ("bpa", 0.1), ("stu", 0.1)),
            parsed("meget i tvivl", "ask", 0.9, ("vum", 0.1)),
            parsed("lidt i tvivl", "ask", 0.9, ("bostoette", 0.4), ("vum", 0.3), ("bpa", 0.1), ("stu", 0.1)),
            parsed("?", "nlu_fallback", 0.2),
        ]
    )
    assert [row["text"] for row in rows] == ["meget i tvivl", "lidt i tvivl"]
    assert (rows[1]["best"], rows[1]["second"], rows[1]["third"]) == ("bostoette 0.40", "vum 0.30", "bpa 0.10")
