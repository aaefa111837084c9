"""What the page reckons, held to the package and to NumPy."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bark.text.duration import expected_duration
from tests.server.page.fake import Script

TEXTS = [
    "",
    "Hello! It is good to be heard.",
    "[clears throat] Well … 42 of them, no [less] — and not_one more!",
    "Der Dreißigjährige Krieg (1618-1648) war ein verheerender Konflikt.",
    "मेरी दादी हर शाम हमें पुरानी कहानियाँ सुनाया करती थीं।",
    "お久しぶりです。お元気でしたか？",
    "추석은 내가 가장 좋아하는 명절이다.",
    "早上好，昨晚睡得踏实吗？",
    "♪ ½ of ٣ Ⅷ lions ♪",
]


def module(page: Any, name: str, body: str, argument: object = None) -> Any:
    """What a function's body makes of an argument `given` and of a module's exports, `it`."""
    return page.evaluate(f"async (given) => {{ const it = await import('/page/{name}.js'); {body} }}", argument)


@pytest.fixture(scope="module")
def still(browser: Any, served: Script) -> Iterator[Any]:
    """A page that all of these share: they change nothing on it."""
    page = browser.new_page()
    page.goto(served.address)
    yield page
    page.close()


def test_the_transform_is_that_of_numpy(still: Any) -> None:
    samples = np.random.default_rng(0).normal(size=1024)
    power = module(still, "fft", "return [...new it.FFT(1024).power(given, new Float64Array(513))]", samples.tolist())
    np.testing.assert_allclose(power, np.abs(np.fft.rfft(samples)) ** 2, rtol=1e-9, atol=1e-9)


def test_lengths_are_expected_as_in_the_package(still: Any) -> None:
    seconds = module(still, "duration", "return given.map(it.expectedDuration)", TEXTS)
    assert seconds == pytest.approx([expected_duration(text) for text in TEXTS])


@pytest.mark.parametrize("cuts", [[1], [0, 1, 1, 3], [7, 8, 9], [12], []])
def test_samples_survive_any_cut(still: Any, cuts: list[int]) -> None:
    data = np.array([1, -2, 300, -30_000, 32_767, -32_768], "<i2").tobytes()
    pieces = [list(piece) for piece in np.split(np.frombuffer(data, np.uint8), cuts)]
    pieces = [[int(byte) for byte in piece] for piece in pieces]
    joined = module(
        still,
        "samples",
        "const joiner = new it.Joiner(); return given.flatMap((piece) => [...joiner.join(Uint8Array.from(piece))])",
        pieces,
    )
    assert joined == [1, -2, 300, -30_000, 32_767, -32_768]


def test_samples_are_kept_over_blocks(still: Any) -> None:
    body = """
      const samples = new it.Samples();
      for (let i = 0; i < 3; i++) samples.add(new Int16Array(400_000).fill(8192 * (i + 1)));
      const read = samples.read(799_999, new Float32Array(3));
      const edges = [samples.read(-1, new Float32Array(2)), samples.read(1_199_999, new Float32Array(2))];
      return [[...read], edges.map((edge) => [...edge]), samples.length, samples.parts().map((part) => part.length)];
    """
    read, edges, length, parts = module(still, "samples", body)
    assert read == [0.5, 0.75, 0.75]
    assert edges == [[0, 0.25], [0.75, 0]]
    assert length == sum(parts) == 1_200_000


def test_events_survive_any_cut(still: Any) -> None:
    text = 'data: {"a":"ü"}\n\ndata: {"b":2}\n\n'.encode()
    body = """
      const read = async (size) => {
        const bytes = Uint8Array.from(given);
        const stream = new ReadableStream({ start(to) {
          for (let at = 0; at < bytes.length; at += size) to.enqueue(bytes.slice(at, at + size));
          to.close();
        }});
        const found = [];
        for await (const event of it.events(stream.getReader())) found.push(event);
        return found;
      };
      return Promise.all([1, 2, 5, 100].map(read));
    """
    assert module(still, "events", body, list(text)) == [[{"a": "ü"}, {"b": 2}]] * 4
    data = bytes(range(256))
    encoded = base64.b64encode(data).decode()
    assert module(still, "events", "return [...it.bytesOf(given)]", encoded) == list(data)


def test_pictures_take_bounded_room(still: Any) -> None:
    """Three minutes: silence, and in the last quarter a tone of 1 kHz."""
    body = """
      const { Take } = await import("/page/take.js");
      const take = new Take({ input: "" });
      const quiet = new Int16Array(24_000 * 45);
      const tone = Int16Array.from(quiet, (_, i) => 16384 * Math.sin((2 * Math.PI * 1000 * i) / 24_000));
      for (let i = 0; i < 4; i++) take.add(i < 3 ? quiet : tone);
      take.end(true);
      const columns = new it.Columns(take);
      while (columns.look(1000));
      const last = [...columns.levels.subarray((columns.count - 2) * it.BANDS, (columns.count - 1) * it.BANDS)];
      const band = last.indexOf(Math.max(...last));
      return [columns.count, columns.seconds, columns.peaks[0], columns.peaks[columns.count - 2], band / it.BANDS];
    """
    count, seconds, quiet, loud, height = module(still, "columns", body)
    assert 1024 <= count <= 2048
    assert seconds == pytest.approx(180, abs=0.02)
    assert (quiet, loud) == (0, pytest.approx(0.5, abs=0.01))
    mel = np.log1p(np.array([50, 1000, 12_000]) / 700)
    assert height == pytest.approx((mel[1] - mel[0]) / (mel[2] - mel[0]), abs=0.02)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("clock(7.44)", "0:07.4"),
        ("clock(3599.96)", "59:59.9"),
        ("clock(3727.4)", "1:02:07.4"),
        ("span(7.44)", "7.4 s"),
        ("span(1800)", "30 min"),
        ("spoken(61)", "1 minute 1 second"),
        ("spoken(0)", "0 seconds"),
        ("excerpt('  a\\n b  ')", "a b"),
        ("excerpt('one two three', 9)", "one two…"),
        ("fileName('Grüß Gott! ../x', '7', 'wav')", "grüß-gott-x-7.wav"),
        ("fileName('♪', '', 'mp3')", "speech.mp3"),
    ],
)
def test_numbers_are_said_as_people_do(still: Any, call: str, said: str) -> None:
    assert module(still, "words", f"return it.{call}") == said
