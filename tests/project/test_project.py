"""Projects: what is kept of each line, going on, redoing, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.errors import BarkWarning, OutputError, ProjectError, VoiceError
from bark.lines import Line
from bark.pipeline import Bark
from bark.project import Changes, Project, kept_seed
from bark.result import Utterance
from bark.voices import Voice


def heard(project: Project) -> np.ndarray:
    pieces = [piece for piece in project.pieces() if not isinstance(piece, Utterance)]
    return np.concatenate(pieces)


def files(folder: Path) -> dict[str, bytes]:
    """Of all segments, without the times that computing took."""
    found = {path.name: path.read_bytes() for path in folder.glob("segments/*")}
    for name in [name for name in found if name.endswith("json")]:
        values = json.loads(found[name])
        found[name] = json.dumps({**values, "project": "", "timings": {}}).encode()
    return found


def test_a_project_says_what_generate_says(bark: Bark, lines: list[Line], made: Path) -> None:
    whole = list(bark.speak(lines))
    with Project(bark.parts, made) as project:
        project.open()
        kept = list(project.pieces())
    audio = [piece for piece in whole if not isinstance(piece, Utterance)]
    assert np.array_equal(np.concatenate(audio), np.concatenate([p for p in kept if not isinstance(p, Utterance)]))
    for one, other in zip(
        [p for p in whole if isinstance(p, Utterance)], [p for p in kept if isinstance(p, Utterance)], strict=True
    ):
        assert (one.index, one.text, one.start, one.pause, one.seed) == (
            other.index,
            other.text,
            other.start,
            other.pause,
            other.seed,
        )
        assert (one.tries, one.problems, one.speaker) == (other.tries, other.problems, other.speaker)
        assert np.array_equal(one.audio, other.audio)
        assert np.array_equal(one.tokens.fine, other.tokens.fine)
        assert (one.voice and one.voice.name) == (other.voice and other.voice.name)
    assert kept_seed(made) == 7


def test_it_goes_on_where_it_was(bark: Bark, lines: list[Line], made: Path, tmp_path: Path) -> None:
    with Project(bark.parts, tmp_path / "half") as project:
        project.begin(lines, 7)
        spoken = project.speak()
        next(spoken)
        next(spoken)
        assert project.missing == list(range(2, len(lines)))
    with Project(bark.parts, tmp_path / "half") as project:
        project.begin(lines, 7)
        begun: list[int] = []
        assert [each.index for each in project.speak(begun=begun.append)] == begun == list(range(2, len(lines)))
        assert project.missing == []
        assert list(project.speak()) == []
    assert files(tmp_path / "half") == files(made)


def test_a_limit_of_the_whole(bark: Bark, lines: list[Line], tmp_path: Path) -> None:
    with Project(bark.parts, tmp_path / "book") as project:
        project.begin(lines, 7, max_duration=3.0)
        with pytest.warns(BarkWarning, match="3 s are used up"):
            assert len(list(project.speak())) == 2
        with pytest.warns(BarkWarning, match="3 s are used up"):
            whole = [piece for piece in bark.speak(lines, max_duration=3.0) if not isinstance(piece, Utterance)]
        assert np.array_equal(heard(project), np.concatenate(whole))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": "Hi."}, "its line 2 is 'The boat left.', not 'Hi.'"),
        ({"pause": 9.0}, "the pause of its line 2 was another"),
        ({"seed": 3}, "the seed of its line 2 was another"),
        ({"speaker": "ANN"}, "the speaker of its line 2 was another"),
        ({"language": "fr"}, "the language of its line 2 was another"),
        ({"voice": "v2/en_speaker_0"}, "the voice of its line 2 was another"),
        ({"options": None}, "the options of its line 2 were others"),
    ],
)
def test_other_lines_are_refused(
    change: dict[str, Any], sentence: str, bark: Bark, lines: list[Line], made: Path
) -> None:
    other = [lines[0], replace(lines[1], **change), *lines[2:]]
    if "options" in change:
        options = bark.config.generation.with_changes(temperature=0.1)
        other[1] = replace(lines[1], options=options)
    with Project(bark.parts, made) as project, pytest.raises(ProjectError) as caught:
        project.begin(other, 7)
    assert str(caught.value) == f"{made} is a project of something else: {sentence}; --restart begins it anew"
    with Project(bark.parts, made) as project, pytest.raises(ProjectError, match="not 1; --restart"):
        project.begin(lines[:1], 7)
    with Project(bark.parts, made) as project, pytest.raises(ProjectError, match="limited to None s, not 9"):
        project.begin(lines, 7, max_duration=9.0)


def test_restart(bark: Bark, lines: list[Line], made: Path) -> None:
    with Project(bark.parts, made) as project:
        project.begin(lines[:2], 8, restart=True)
        assert project.missing == [0, 1]
        list(project.speak())
    assert kept_seed(made) == 8
    assert sorted(path.name for path in made.glob("segments/*.json")) == ["0001.json", "0002.json"]


def test_segments_of_another_project_are_none(bark: Bark, lines: list[Line], made: Path) -> None:
    (made / "project.json").unlink()
    with Project(bark.parts, made) as project:
        project.begin(lines, 7)
    with Project(bark.parts, made) as project:
        project.open()
        assert len(project.missing) == len(lines)


def test_redo_changes_that_segment_only(bark: Bark, lines: list[Line], made: Path, voice: Voice) -> None:
    before = files(made)
    with Project(bark.parts, made) as project:
        project.open()
        whole = heard(project)
        (first,) = project.redo([2], Changes(seed=12))
        assert first.seed == 12
        assert len(heard(project)) != len(whole) or not np.array_equal(heard(project), whole)
    after = files(made)
    assert {name for name in before if after.get(name) != before[name]} == {"0003.json", "0003.wav", "0003.npz"}
    assert set(after) - set(before) == {"0003-2.wav", "0003-2.npz"}

    with Project(bark.parts, made) as project:
        project.open()
        (said,) = project.redo([2], Changes(text="Not at all.", voice=voice, temperature=0.3))
        assert (said.text, said.seed, said.voice and said.voice.name) == ("Not at all.", 12, "tester")
        (again,) = project.redo([2], Changes(seed=12))
        assert again.text == "Not at all."
        assert np.array_equal(again.audio, said.audio)

    with Project(bark.parts, made) as project:  # what was redone stays, and the plan is what it was
        project.begin(lines, 7)
        assert project.missing == []


def test_redo_removes_no_other_segments_files(bark: Bark, made: Path) -> None:
    """Of a thousand lines and more, 1000.wav is what 10000.wav begins with."""
    others = [made / "segments" / name for name in ("00010.wav", "00011-2.npz")]
    for path in others:
        path.write_bytes(b"of another line")
    with Project(bark.parts, made) as project:
        project.open()
        for _ in range(2):
            list(project.redo([0], Changes(seed=3)))
    assert all(path.exists() for path in others)
    assert sorted(path.name for path in made.glob("segments/0001[-.]*")) == ["0001-3.npz", "0001-3.wav", "0001.json"]


def test_a_redone_first_line_keeps_the_voice(bark: Bark, lines: list[Line], made: Path) -> None:
    with Project(bark.parts, made) as project:
        project.open()
        old = next(piece for piece in project.pieces() if isinstance(piece, Utterance))
        for _ in range(2):
            (new,) = project.redo([0], Changes(seed=99))
            assert new.voice is not None
            assert np.array_equal(new.voice.semantic, old.tokens.semantic)
    (made / "segments" / "0004.json").unlink()
    with Project(bark.parts, made) as project:
        project.begin(lines, 7)
        (last,) = project.speak()
        assert last.voice is not None
        assert np.array_equal(last.voice.semantic, new.tokens.semantic)


def test_redo_of_what_is_not_there(bark: Bark, made: Path, tmp_path: Path) -> None:
    with Project(bark.parts, made) as project:
        project.open()
        with pytest.raises(ProjectError, match=r"there is no line 9 in .*, but 4 lines"):
            list(project.redo([8], Changes()))
        with pytest.raises(VoiceError, match="no voice 'nobody'"):
            list(project.redo([1], Changes(voice="nobody")))
    with Project(bark.parts, tmp_path / "none") as project, pytest.raises(ProjectError, match="there is no project in"):
        project.open()


def test_two_at_a_time(bark: Bark, made: Path) -> None:
    with (
        Project(bark.parts, made),
        pytest.raises(ProjectError, match="another process works on the project"),
        Project(bark.parts, made),
    ):
        pass


def test_no_folder_can_be_there(bark: Bark, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't make a project"), Project(bark.parts, tmp_path / "file"):
        pass


def _edit(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        change(values)
        (folder / name).write_text(json.dumps(values))

    return damage


def _linked(folder: Path) -> None:
    (folder / "segments" / "0002.wav").rename(folder.parent / "elsewhere.wav")
    (folder / "segments" / "0002.wav").symlink_to(folder.parent / "elsewhere.wav")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "project.json").write_text("{"), "project.json is damaged"),
        (lambda folder: (folder / "project.json").write_text("[" * 100_000), "project.json is damaged"),
        (lambda folder: (folder / "project.json").write_bytes(b"\xff"), "project.json is damaged"),
        (lambda folder: (folder / "project.json").write_text("[]"), "project.json is damaged: it should be an object"),
        (_edit("project.json", lambda v: v.update(version=2)), "is of version 2; 1 can be read"),
        (_edit("project.json", lambda v: v.update(model="bark")), "is a project of the model bark; this is tiny"),
        (_edit("project.json", lambda v: v.update(lines=3)), "lines should be a list, not '3'"),
        (_edit("project.json", lambda v: v.update(lines=[3])), "line 1 is damaged: it should be an object"),
        (_edit("project.json", lambda v: v["lines"][0].pop("text")), "text should be a string, not 'nothing'"),
        (_edit("project.json", lambda v: v["lines"][0].update(text="\ud800")), "text should be text"),
        (_edit("project.json", lambda v: v["lines"][0].update(pause=10**400)), "pause should be a number from 0"),
        (_edit("project.json", lambda v: v["lines"][0].update(pause=float("nan"))), "NaN is no number"),
        (_edit("project.json", lambda v: v["lines"][0].update(options={})), "its options"),
        (_edit("project.json", lambda v: v["lines"][0]["options"].update(shout=1)), "its options"),
        (
            _edit("project.json", lambda v: v["lines"][0].update(voice={"name": "x", "file": "../../voice.npz"})),
            "a file of it can't be '../../voice.npz'",
        ),
        (
            _edit("project.json", lambda v: v["lines"][0].update(voice={"name": "x", "file": "0123456789abcdef.npz"})),
            "0123456789abcdef.npz is damaged: can't read",
        ),
        (lambda folder: (folder / "segments/0002.json").write_text("no"), "0002.json, and it will be made anew"),
        (_edit("segments/0002.json", lambda v: v.update(seed=-1)), "seed should be a whole number from 0"),
        (_edit("segments/0002.json", lambda v: v.update(seed=True)), "seed should be a whole number"),
        (_edit("segments/0002.json", lambda v: v.update(files={})), "files should be one of audio and one of tokens"),
        (
            _edit("segments/0002.json", lambda v: v.update(files={"/etc/passwd": "", "0002.npz": ""})),
            "files should be one of audio and one of tokens",
        ),
        (_edit("segments/0002.json", lambda v: v.update(files={"0002.wav": 1, "0002.npz": 1})), "not as it was"),
        (
            lambda folder: (folder / "segments/0002.wav").write_bytes(b"RIFF"),
            "0002.wav is not as it was written; `bark",
        ),
        (lambda folder: (folder / "segments/0002.npz").unlink(), "0002.npz is missing; `bark redo"),
        (_linked, "a file of it can't be '0002.wav'"),
    ],
)
def test_damaged_files_are_a_sentence(
    damage: Callable[[Path], object], sentence: str, bark: Bark, lines: list[Line], made: Path
) -> None:
    damage(made)
    with Project(bark.parts, made) as project, pytest.raises(ProjectError) as caught:
        project.begin(lines, 7)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tokens_that_would_be_run_are_not(bark: Bark, lines: list[Line], made: Path) -> None:
    import hashlib

    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(made / "harm"),)

    path = made / "segments" / "0002.npz"
    arrays = {key: np.array([Harm()], dtype=object) for key in ("semantic_prompt", "coarse_prompt", "fine_prompt")}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _edit("segments/0002.json", lambda values: values["files"].update({"0002.npz": digest}))(made)
    with Project(bark.parts, made) as project:
        project.begin(lines, 7)
        with pytest.raises(ProjectError, match="holds pickled objects, which are never read"):
            list(project.pieces())
    assert not (made / "harm").exists()


def test_a_damaged_segment_is_redone(bark: Bark, lines: list[Line], made: Path) -> None:
    before = files(made)
    (made / "segments" / "0001.npz").write_bytes(b"")
    with Project(bark.parts, made) as project:
        project.open(redone=[0])
        list(project.redo([0], Changes(seed=7)))
        assert project.missing == []
    assert files(made)["0001-2.wav"] == before["0001.wav"]


def test_what_is_missing_between_others(bark: Bark, made: Path) -> None:
    (made / "segments" / "0002.json").unlink()
    with Project(bark.parts, made) as project:
        project.open()
        with pytest.raises(ProjectError, match=r"line 2 of .* has not been spoken yet, but later ones"):
            heard(project)
    for name in ("0003.json", "0004.json"):
        (made / "segments" / name).unlink()
    with Project(bark.parts, made) as project:
        project.open()
        with pytest.warns(BarkWarning, match=r"lines 2 to 4 of .* have not been spoken yet"):
            assert len(heard(project)) > 0


WORK = """
import sys
from pathlib import Path
from bark.pipeline import Bark
from bark.options import GenerateOptions
from bark.project import Project
bark = Bark(sys.argv[1], device="cpu")
lines = bark.plan(sys.argv[3] * 10, options=GenerateOptions(seed=7, retries=0))
with Project(bark.parts, sys.argv[2]) as project:
    project.begin(lines, 7)
    for utterance in project.speak():
        print(utterance.index, flush=True)
"""


def test_a_process_that_is_killed_loses_no_finished_segment(bark: Bark, checkpoint: Path, tmp_path: Path) -> None:
    text = "Hello there. The boat left. It is dawn. "
    command = [sys.executable, "-c", WORK, str(checkpoint), str(tmp_path / "killed"), text]
    told: set[int] = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.add(int(line))
            if int(line) >= 3:
                break
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    lines = bark.plan(text * 10, options=replace(bark.config.generation, seed=7))[:6]
    whole = bark.plan(text * 10, options=replace(bark.config.generation, seed=7))
    with Project(bark.parts, tmp_path / "killed") as project:
        project.begin(whole, 7)
        assert not told & set(project.missing)
        spoken = project.speak()
        while project.missing[0] < len(lines):
            next(spoken)
    with Project(bark.parts, tmp_path / "unbroken") as project:
        project.begin(lines, 7)
        list(project.speak())
    killed, unbroken = files(tmp_path / "killed"), files(tmp_path / "unbroken")
    assert {name: killed[name] for name in unbroken} == unbroken
