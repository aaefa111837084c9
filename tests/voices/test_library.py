"""Voices by name, and in every other form that they come in."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.errors import VoiceError
from bark.tokens import SUNO, TokenSpace
from bark.voices import Voice, VoiceLibrary
from bark.voices.arrays import KEYS
from bark.voices.files import SUNO_PRESETS


@pytest.fixture
def library(checkpoint: Path, space: TokenSpace) -> VoiceLibrary:
    return VoiceLibrary(checkpoint / "voices", space)


def write_npy(voice: Voice, folder: Path, name: str) -> dict[str, str]:
    """Writes a voice as 🤗 keeps it, and gives what its table says of it."""
    row = {}
    for key, array in zip(KEYS, (voice.semantic, voice.coarse, voice.fine), strict=True):
        path = folder / "speaker_embeddings" / f"{name}_{key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
        row[key] = path.relative_to(folder).as_posix()
    return row


def test_names(library: VoiceLibrary) -> None:
    assert library.names() == ["v2/de_speaker_0", "v2/en_speaker_0", "v2/en_speaker_1"]


def test_a_voice_is_read_once(library: VoiceLibrary) -> None:
    voice = library.load("v2/en_speaker_0")
    assert voice.name == "v2/en_speaker_0"
    assert library.load("v2/en_speaker_0") is voice
    assert library.load("v2\\en_speaker_0") is voice  # as the original spells it on Windows


def test_a_path_a_voice_and_a_dict_will_do(library: VoiceLibrary, voice: Voice, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    voice.save(path)
    assert library.load(path).name == library.load(str(path)).name == "mine"
    assert library.load(voice) is voice
    arrays: Any = dict(zip(KEYS, (voice.semantic, voice.coarse, voice.fine), strict=True))
    np.testing.assert_array_equal(library.load(arrays).fine, voice.fine)
    with pytest.raises(VoiceError, match="coarse_prompt has 1 rows"):
        library.load({**arrays, "coarse_prompt": voice.coarse[:1]})


def test_a_users_own_voices_come_after_the_models(
    checkpoint: Path, space: TokenSpace, voice: Voice, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    (own / "client").mkdir(parents=True)
    for name in ("ann", "client/secret"):  # what a server keeps for its clients lies deeper
        voice.save(own / f"{name}.npz")
    library = VoiceLibrary(checkpoint / "voices", space, own)
    assert library.names() == ["ann", "v2/de_speaker_0", "v2/en_speaker_0", "v2/en_speaker_1"]
    np.testing.assert_array_equal(library.load("ann").fine, voice.fine)
    with pytest.raises(VoiceError, match="there is no voice 'secret'"):
        library.load("secret")
    voice.save(own / "bob.npz")  # since
    assert library.load("bob").name == "bob"
    (tmp_path / "flat").mkdir()
    voice.save(tmp_path / "flat" / "ann.npz")
    (own / "ann.npz").write_bytes(b"broken")
    assert VoiceLibrary(tmp_path / "flat", space, own).load("ann").name == "ann"


def test_a_file_that_changes_is_read_again(space: TokenSpace, voice: Voice, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    voice.save(own / "me.npz")
    library = VoiceLibrary(tmp_path / "none", space, own)
    first = library.load("me")
    assert library.load("me") is first
    replace(voice, semantic=voice.semantic[::-1], about={"made": "anew"}).save(own / "me.npz")
    assert library.load("me").about == {"made": "anew"}
    (own / "me.npz").unlink()
    with pytest.raises(VoiceError, match="no voice 'me'"):
        library.load("me")


def test_npy_files_and_folders_of_them(library: VoiceLibrary, voice: Voice, tmp_path: Path) -> None:
    write_npy(voice, tmp_path, "me")
    folder = tmp_path / "speaker_embeddings"
    for given in (folder, str(folder), folder / "me_fine_prompt.npy", str(folder / "me_semantic_prompt.npy")):
        loaded = library.load(given)
        assert loaded.name == "me"
        np.testing.assert_array_equal(loaded.fine, voice.fine)
    for path in folder.iterdir():
        path.rename(folder / path.name.removeprefix("me_"))
    assert library.load(folder).name == library.load(folder / "coarse_prompt.npy").name == "speaker_embeddings"


@pytest.mark.parametrize(("voices", "sentence"), [((), "holds no voice"), (("a", "b"), "holds 2 voices: name")])
def test_a_folder_of_none_or_many(
    voices: tuple[str, ...], sentence: str, library: VoiceLibrary, voice: Voice, tmp_path: Path
) -> None:
    for name in voices:
        voice.save(tmp_path / f"{name}.npz")
    with pytest.raises(VoiceError, match=sentence):
        library.load(tmp_path)


def test_another_npy_file(library: VoiceLibrary) -> None:
    with pytest.raises(VoiceError, match="the names of its three files end in semantic_prompt, coarse_prompt, fine_pr"):
        library.load("codes.npy")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("en_speaker_0", "did you mean v2/en_speaker_0"),
        ("v2/en_speeker_1", "did you mean v2/en_speaker_1"),
        ("zzz", "`bark voices list` shows them all"),
        ("../voices/v2/en_speaker_0", "there is no voice"),
        ("", "there is no voice ''"),
        ("x" * 10_000, "there is no voice"),
        ("a\0b", "there is no voice"),
    ],
)
def test_an_unknown_voice(library: VoiceLibrary, name: str, hint: str) -> None:
    with pytest.raises(VoiceError, match=hint):
        library.load(name)


def test_a_broken_table_is_in_no_files_way(voice: Voice, space: TokenSpace, tmp_path: Path) -> None:
    (tmp_path / "speaker_embeddings_path.json").write_text("[1")
    voice.save(tmp_path / "mine.npz")
    library = VoiceLibrary(tmp_path / "speaker_embeddings_path.json", space)
    assert library.load(tmp_path / "mine.npz").name == "mine"
    with pytest.raises(VoiceError, match=r"speaker_embeddings_path\.json"):
        library.load("v2/en_speaker_0")


@pytest.mark.parametrize("voice", [5, None, b"v2/en_speaker_0", ["v2/en_speaker_0"]])
def test_what_no_voice_can_be(library: VoiceLibrary, voice: Any) -> None:
    with pytest.raises(VoiceError, match=f"a dict of arrays or a Voice, not {type(voice).__name__}"):
        library.load(voice)


def test_a_model_without_voices(tmp_path: Path, space: TokenSpace) -> None:
    library = VoiceLibrary(tmp_path / "none", space)
    assert library.names() == []
    with pytest.raises(VoiceError, match="no voices of its own; name an npz file"):
        library.load("v2/en_speaker_0")


class TestSunosPresets:
    def test_all_of_them_are_known(self) -> None:
        assert len(SUNO_PRESETS) == 261
        assert {"announcer", "en_speaker_0", "v2/en_speaker_0", "zh_speaker_9", "v2/tr_speaker_5"} <= SUNO_PRESETS

    @pytest.mark.parametrize("name", ["v2/en_speaker_6", "en_speaker_6", "announcer"])
    def test_where_to_get_one(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(VoiceError, match=rf"{name}' is one of Suno's.* in none of {tmp_path}; `hf download suno/"):
            VoiceLibrary(tmp_path, SUNO).load(name)
        with pytest.raises(VoiceError, match="there is no voice 'en_speaker_60'"):
            VoiceLibrary(tmp_path, SUNO).load("en_speaker_60")

    def test_every_name_in_both_forms(self, tmp_path: Path) -> None:
        fine = np.zeros((8, 150), dtype=np.int32)
        voice = Voice("any", np.zeros(100, dtype=np.int64), fine[:2], fine)
        table: dict[str, Any] = {"repo_or_path": "suno/bark"}
        for index, name in enumerate(sorted(SUNO_PRESETS)):
            if index % 2:
                table[name] = write_npy(voice, tmp_path, name)
            else:
                path = tmp_path / "voices" / f"{name}.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                voice.save(path)
        (tmp_path / "speaker_embeddings_path.json").write_text(json.dumps(table))
        library = VoiceLibrary([tmp_path / "voices", tmp_path / "speaker_embeddings_path.json"], SUNO)
        assert library.names() == sorted(SUNO_PRESETS)
        for name in ("announcer", "en_speaker_0", "v2/en_speaker_0", "v2/zh_speaker_9", "ja_speaker_4"):
            assert library.load(name).name == name


class TestTables:
    @pytest.fixture
    def table(self, voice: Voice, tmp_path: Path) -> Path:
        row = write_npy(voice, tmp_path, "v2/en_speaker_0")
        path = tmp_path / "speaker_embeddings_path.json"
        path.write_text(json.dumps({"repo_or_path": "somebody/bark", "v2/en_speaker_0": row, "other name": row}))
        return path

    def change(self, table: Path, **row: Any) -> None:
        content = json.loads(table.read_text())
        content["v2/en_speaker_0"].update(row)
        table.write_text(json.dumps(content))

    def test_names_are_the_tables(self, table: Path, space: TokenSpace, voice: Voice) -> None:
        library = VoiceLibrary(table, space)
        assert library.names() == ["other name", "v2/en_speaker_0"]
        np.testing.assert_array_equal(library.load("other name").semantic, voice.semantic)

    def test_without_a_table_names_are_the_files(self, table: Path, space: TokenSpace) -> None:
        library = VoiceLibrary(table.parent / "speaker_embeddings", space)
        assert library.names() == ["v2/en_speaker_0"]
        assert library.load("v2/en_speaker_0").name == "v2/en_speaker_0"

    def test_as_windows_writes_it(self, table: Path, space: TokenSpace) -> None:
        self.change(table, fine_prompt="speaker_embeddings\\v2\\en_speaker_0_fine_prompt.npy")
        assert VoiceLibrary(table, space).load("v2/en_speaker_0")

    def test_links_as_in_the_hubs_cache(self, table: Path, space: TokenSpace) -> None:
        folder = table.parent / "speaker_embeddings" / "v2"
        for index, path in enumerate(sorted(folder.iterdir())):
            path.rename(table.parent / f"blob{index}")
            path.symlink_to(table.parent / f"blob{index}")
        assert VoiceLibrary(table, space).load("v2/en_speaker_0")

    def test_a_voice_of_which_a_file_is_missing(self, table: Path, space: TokenSpace, voice: Voice) -> None:
        (table.parent / "speaker_embeddings" / "v2" / "en_speaker_0_fine_prompt.npy").unlink()
        library = VoiceLibrary(table, space)
        assert library.names() == []
        with pytest.raises(VoiceError, match=r"can't read the voice .*en_speaker_0_fine_prompt\.npy: No such file"):
            library.load("v2/en_speaker_0")
        write_npy(voice, table.parent / "more", "v2/en_speaker_0")
        assert VoiceLibrary([table, table.parent / "more" / "speaker_embeddings"], space).load("v2/en_speaker_0")

    @pytest.mark.parametrize("path", ["../secret.npy", "/etc/passwd", "a/../../b.npy", "..\\secret.npy"])
    def test_paths_that_lead_astray(self, path: str, table: Path, space: TokenSpace) -> None:
        self.change(table, coarse_prompt=path)
        with pytest.raises(VoiceError, match="leads out of its folder: refused"):
            VoiceLibrary(table, space).names()

    def test_names_that_lead_astray(self, table: Path, space: TokenSpace) -> None:
        content = json.loads(table.read_text())
        table.write_text(json.dumps({"../../.ssh/id": content["other name"]}))
        with pytest.raises(VoiceError, match=r"has '\.\./\.\./\.ssh/id', which leads out"):
            VoiceLibrary(table, space).names()

    def test_a_large_one(self, table: Path, space: TokenSpace) -> None:
        os.truncate(table, 1 << 40)
        with pytest.raises(VoiceError, match="has 1048576 MB, more than any table of voices: refused"):
            VoiceLibrary(table, space).names()

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("[", "is not a table of voices: Expecting value"),
            ("[]", "is not a table of voices, but list"),
            ('{"v2/en_speaker_0": "file"}', "v2/en_speaker_0 should have a file for each of semantic_prompt, coarse_"),
            ('{"v2/en_speaker_0": {"semantic_prompt": 5}}', "v2/en_speaker_0 should have a file for each of"),
            ("[" * 100_000, "is not a table of voices"),
            ("\xff", "is not a table of voices"),
        ],
    )
    def test_broken(self, content: str, sentence: str, table: Path, space: TokenSpace) -> None:
        table.write_text(content, encoding="latin-1")
        with pytest.raises(VoiceError, match=rf"speaker_embeddings_path\.json.* ?{sentence}"):
            VoiceLibrary(table, space).load("v2/en_speaker_0")
