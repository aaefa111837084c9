"""Voices: those of the model, and those that clients bring."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from bark.server.names import VOICES, aliases, presets
from bark.voices import Voice
from tests.conftest import VOICES as MODELS
from tests.server.conftest import MakeClient
from tests.server.fake import FakeScheduler


def npz(voice: Voice, **changes: Any) -> bytes:
    """The file of a voice, with other arrays where they are given."""
    arrays = {"semantic_prompt": voice.semantic, "coarse_prompt": voice.coarse, "fine_prompt": voice.fine}
    file = io.BytesIO()
    np.savez_compressed(file, **{**arrays, **changes})
    return file.getvalue()


def upload(client: TestClient, voice: Voice | bytes, name: str = "Mine", consent: str = "true", **more: Any) -> Any:
    data = voice if isinstance(voice, bytes) else npz(voice)
    form = {"name": name, "consent": consent}
    return client.post("/v1/audio/voices", data=form, files={"audio": ("../x.npz", data)}, **more)


def listed(client: TestClient, **more: Any) -> dict[str, Any]:
    """All voices by their ids."""
    return {voice["id"]: voice for voice in client.get("/v1/audio/voices", **more).json()["data"]}


def test_the_models_voices_and_openais_names(client: TestClient) -> None:
    found = listed(client)
    assert set(found) == {*MODELS, *VOICES}
    assert found["v2/de_speaker_0"]["language"] == "de"
    assert found["v2/de_speaker_0"]["type"] == "preset"
    assert found["nova"]["type"] == "alias"
    answer = client.get("/v1/audio/voices").json()
    assert answer["voices"] == answer["data"]


def test_aliases_keep_women_and_men_apart() -> None:
    pup = [f"v2/en_speaker_{number}" for number in range(6)]
    found = aliases("pup", pup)
    assert set(found) == set(VOICES)
    assert {found[name] for name in ("alloy", "nova", "shimmer", "coral")} == {pup[0], pup[2], pup[4]}
    assert {found[name] for name in ("onyx", "echo", "ash")} == {pup[1], pup[3], pup[5]}
    suno = [f"v2/en_speaker_{number}" for number in range(10)]
    assert aliases("bark", suno)["alloy"] == "v2/en_speaker_9"
    assert aliases("bark", []) == {}
    assert set(aliases("bark", ["somebody"]).values()) == {"somebody"}


def test_presets() -> None:
    names = ["announcer", "en_speaker_0", "v2/de_speaker_1", "v2/en_speaker_10", "v2/en_speaker_9"]
    assert presets(names, "en") == ["v2/en_speaker_9", "v2/en_speaker_10"]
    assert presets(names[:2], "en") == ["en_speaker_0"]
    assert presets(names, "xx") == names


def test_a_voice_comes_and_goes(client: TestClient, voice: Voice, tmp_path: Path) -> None:
    answer = upload(client, voice)
    assert answer.status_code == 200
    made = answer.json()
    assert (made["name"], made["object"], made["type"]) == ("Mine", "audio.voice", "audio_sample")
    assert made["created_at"] > 1_700_000_000
    assert listed(client)[made["id"]] == made
    files = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {f"{made['id']}.npz", f"{made['id']}.json"}
    gone = client.delete(f"/v1/audio/voices/{made['id']}")
    assert gone.json() == {"id": made["id"], "object": "audio.voice.deleted", "deleted": True}
    assert made["id"] not in listed(client)
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []
    assert client.delete(f"/v1/audio/voices/{made['id']}").status_code == 404


def test_voices_outlive_the_server(make_client: MakeClient, voice: Voice) -> None:
    made = upload(make_client(), voice).json()
    assert made["id"] in listed(make_client())


def test_openais_name_of_the_field(client: TestClient, voice: Voice) -> None:
    form = {"name": "Mine", "consent": "true"}
    assert client.post("/v1/audio/voices", data=form, files={"audio_sample": npz(voice)}).status_code == 200


@pytest.mark.parametrize("consent", ["false", "no", "", "I do not agree", "cons_1234"])
def test_consent_is_needed(client: TestClient, voice: Voice, consent: str) -> None:
    answer = upload(client, voice, consent=consent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "consent_required")


@pytest.mark.parametrize("missing", ["name", "consent", "audio"])
def test_all_fields_are_needed(client: TestClient, voice: Voice, missing: str) -> None:
    form = {"name": (None, "Mine"), "consent": (None, "true"), "audio": ("x", npz(voice))}
    del form[missing]
    answer = client.post("/v1/audio/voices", files=form)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == missing


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "../evil",
        "a/b",
        "a\\b",
        "a\0b",
        ".hidden",
        "x" * 65,
        "a\nb",
        "-x",
        "v2/en_speaker_0",
        "Alloy",
        "EN_speaker_0",
    ],
)
def test_names(client: TestClient, voice: Voice, name: str, tmp_path: Path) -> None:
    answer = upload(client, voice, name)
    assert answer.status_code in (400, 422)
    assert list(tmp_path.rglob("*.npz")) == []


@pytest.mark.parametrize("name", ["Ann", "ann b.", "Ünal O'Neill", "声", "x" * 64, "3"])
def test_other_names(client: TestClient, voice: Voice, name: str) -> None:
    assert upload(client, voice, name).json()["name"] == name


def test_a_name_is_of_one_voice(client: TestClient, voice: Voice) -> None:
    assert upload(client, voice, "Ann").status_code == 200
    answer = upload(client, voice, "ANN")
    assert answer.status_code == 422
    assert "already" in answer.json()["error"]["message"]


def test_as_many_as_may_be(make_client: MakeClient, voice: Voice) -> None:
    client = make_client(max_voices=1)
    assert upload(client, voice, "Ann").status_code == 200
    assert upload(client, voice, "Bob").status_code == 422


@pytest.mark.parametrize("wanted", ["..", "%2e%2e", "voice_0000000000000000", "alloy", "v2%2fen_speaker_0", "%00"])
def test_only_ones_own_can_be_deleted(client: TestClient, wanted: str) -> None:
    assert client.delete(f"/v1/audio/voices/{wanted}").status_code in (404, 405)
    assert set(listed(client)) == {*MODELS, *VOICES}


def test_files_that_are_no_voices(client: TestClient, voice: Voice, tmp_path: Path) -> None:
    broken = {
        "cut": npz(voice)[:200],
        "a zip of nothing": b"PK\3\4" + bytes(40),
        "floats": npz(voice, semantic_prompt=np.ones(3)),
        "pickled": npz(voice, semantic_prompt=np.array([{"a": 1}], dtype=object)),
        "of another model": npz(voice, semantic_prompt=voice.semantic + 5000),
        "long": npz(voice, fine_prompt=np.zeros((8, 600_000), dtype=np.int64)),
        "text": b"hello",
        "empty": b"",
    }
    for what, data in broken.items():
        answer = upload(client, data)
        assert answer.status_code == 422, what
        message = answer.json()["error"]["message"]
        assert "/" not in message, f"{what}: {message}"
    assert list(tmp_path.rglob("*.npz")) == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"name": "x"}', "application/json", 415),
        (b"", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"--x--\r\n", "multipart/form-data", 400),
    ],
)
def test_bodies(client: TestClient, content: bytes, kind: str, status: int) -> None:
    answer = client.post("/v1/audio/voices", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_forms_of_too_much(client: TestClient, voice: Voice) -> None:
    form = {"name": "x", "consent": "true"}
    two = [("audio", npz(voice)), ("audio_sample", npz(voice))]
    assert client.post("/v1/audio/voices", data=form, files=two).status_code == 400
    many = {**form, **{f"field_{number}": "x" for number in range(20)}}
    assert client.post("/v1/audio/voices", data=many, files={"audio": npz(voice)}).status_code == 400
    long = {**form, "name": "x" * 5000}
    assert client.post("/v1/audio/voices", data=long, files={"audio": npz(voice)}).status_code == 400


def test_the_users_own_voices(make_client: MakeClient, voice: Voice, tmp_path: Path, fake: FakeScheduler) -> None:
    """Those that `bark voices create` makes: on the user's machine, but not where others have keys."""
    (tmp_path / "own").mkdir()
    for name in ("me", "alloy", "en_speaker_0"):
        voice.save(tmp_path / "own" / f"{name}.npz")
    client = make_client()
    assert listed(client)["me"]["type"] == "audio_sample"
    for name, own in (("me", True), ("alloy", True), ("en_speaker_0", False), ("v2/en_speaker_0", False)):
        assert client.post("/v1/audio/speech", json={"input": "x", "voice": name}).status_code == 200
        assert isinstance(fake.jobs[-1].voice, Voice) is own
    assert client.delete("/v1/audio/voices/me").status_code == 404
    assert upload(client, voice, "Me").status_code == 422
    (tmp_path / "own" / "me.npz").write_bytes(b"PK")
    answer = client.post("/v1/audio/speech", json={"input": "x", "voice": "me"})
    assert answer.status_code == 422 and str(tmp_path) not in answer.text
    guarded = make_client(api_keys="sk-0123456789abcdef")
    assert "me" not in listed(guarded, headers={"authorization": "Bearer sk-0123456789abcdef"})


def test_what_else_lies_in_the_folder(make_client: MakeClient, voice: Voice, tmp_path: Path) -> None:
    client = make_client()
    made = upload(client, voice).json()
    folder = tmp_path / "kept" / "anyone"
    (folder / "voice_0123456789abcdef.json").write_text('{"id": "voice_ffffffffffffffff", "name": "x", "created": 1}')
    (folder / "voice_1123456789abcdef.json").write_text("[]")
    assert [key for key, each in listed(client).items() if each["type"] == "audio_sample"] == [made["id"]]
    (folder / f"{made['id']}.npz").write_bytes(b"PK\3\4")
    answer = client.post("/v1/audio/speech", json={"input": "x", "voice": made["id"]})
    assert answer.status_code == 422
    assert str(tmp_path) not in answer.text
