"""The codes of the first codebooks to those of all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import count
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from bark.engine.checks import Tokens, code_rows
from bark.engine.sampling import Sampler
from bark.errors import BarkError, CheckpointError, OptionError, VoiceError
from bark.models.config import FineLayout, ModelConfig
from bark.models.fine import FineGPT
from bark.options import SamplingOptions
from bark.tokens import IntArray


class Window(NamedTuple):
    """Frames start … stop − 1 are read, those from fill on are written."""

    start: int
    fill: int
    stop: int


class Windows:
    """Where the windows of an utterance lie; frames are counted from the beginning of its history.

    They are a hop apart, and the last one ends with the utterance. With `pad_window` they are Suno's: a window
    writes from where it has nothing but its own frames before it. Without, what a window writes for good has as
    many frames after it as before it, half of what window and hop leave over, so that no frame is settled at a
    window's edge. With `first_hop` that grows: the first windows are for being heard soon, and settle less, with
    less ahead of it; and none reads more before what it writes than of a voice.
    """

    def __init__(self, layout: FineLayout, n_history: int) -> None:
        self.layout = layout
        self.n_history = n_history
        self._beside = (layout.window - layout.hop) // 2
        self._first = 0 if layout.pad_window else max(0, n_history - self._beside)

    def end(self, n: int) -> int:
        """Frames that window n reads up to, in an utterance that is long enough."""
        if self.layout.first_hop:
            hop = self.layout.hop_of(n)
            return self._settled(n) + hop + min(hop, self._beside)
        return self._first + n * self.layout.hop + self.layout.window

    def window(self, n: int, total: int) -> Window:
        """Window n, where `total` frames are there: all of the utterance, or enough for `end`."""
        stop, fill = min(self.end(n), total), self.fill(n, total)
        start = max(0, stop - self.layout.window)
        if self.layout.first_hop:
            start = max(start, fill - max(self.layout.max_history, self._beside))
        return Window(start, fill, stop)

    def fill(self, n: int, total: int) -> int:
        """First frame that window n writes; those before it are settled."""
        if self.layout.pad_window:
            return min(self.n_history + n * self.layout.hop, max(0, total - self.layout.hop))
        if self.layout.first_hop:
            return self._settled(n)
        return self.end(n - 1) - self._beside if n else self.n_history

    def _settled(self, n: int) -> int:
        return self.n_history + sum(map(self.layout.hop_of, range(n)))


FineSteps: TypeAlias = Generator[
    IntArray | None, IntArray | None, None
]  # None asks for codes, and says there are no more


class Frames:
    """Codes [n_codebooks, T], the history's and those that come, with a placeholder where none is known yet."""

    def __init__(self, history: IntArray, unknown: int) -> None:
        self.codes = history
        self.unknown = unknown
        self.ended = False

    def __len__(self) -> int:
        return int(self.codes.shape[1])

    def reach(self, total: int) -> Generator[None, IntArray | None, bool]:
        """Asks for codes until there are `total` frames, or no more; whether there are."""
        while len(self) < total and not self.ended:
            codes = yield
            if codes is None:
                self.ended = True
            else:
                self._append(codes)
        return len(self) >= total

    def pad(self, total: int) -> None:
        """Makes it so many frames at least, unknown in all codebooks."""
        self._append(np.empty((0, max(0, total - len(self))), dtype=np.int64))

    def _append(self, codes: IntArray) -> None:
        frames = np.full((len(self.codes), codes.shape[1]), self.unknown)
        frames[: len(codes)] = codes
        self.codes = np.concatenate([self.codes, frames], axis=1)


class FineStream:
    """An utterance, its coarse codes given as they come. What it gives is settled: no later window can change it.

    Args:
        steps: of the stage, not begun.
        check: of the codes that are given.
    """

    def __init__(self, steps: FineSteps, check: Callable[[Tokens], IntArray]) -> None:
        self._steps = steps
        self._check = check
        self._begun = False

    def push(self, coarse: Tokens) -> Iterator[IntArray]:
        """Takes codes [n_coarse, t]; gives codes [n_codebooks, t'].

        Raises:
            BarkError: they aren't of this model's shape or vocabulary.
        """
        return self._settled(self._check(coarse))

    def finish(self) -> Iterator[IntArray]:
        """The rest; in all as many frames as came."""
        return self._settled(None)

    @torch.inference_mode()
    def _settled(self, coarse: IntArray | None) -> Iterator[IntArray]:
        """What comes before it asks for more."""
        try:
            settled = self._steps.send(coarse) if self._begun else self._first(coarse)
            while settled is not None:
                yield settled
                settled = next(self._steps)
        except StopIteration:
            return

    def _first(self, coarse: IntArray | None) -> IntArray | None:
        self._begun = True
        next(self._steps)
        return self._steps.send(coarse)


class FineStage:
    """Fills in the codebooks after the coarse ones, one after another, a window at a time.

    A window reads, of every frame, the codebooks known so far: of the frames before those it writes, all of them;
    of the frames it writes, those before the one it predicts, with `TokenSpace.fine_pad` in that one's place.

    Raises:
        CheckpointError: the windows do not fit the model or each other.
    """

    def __init__(self, model: FineGPT, config: ModelConfig) -> None:
        self.model = model
        self.tokens = config.tokens
        self.layout = config.fine_layout
        self._check()

    def generate(
        self,
        coarse: IntArray | Tensor | Iterable[IntArray],
        history: Tokens | None = None,
        *,
        options: SamplingOptions,
        generator: torch.Generator | None = None,
    ) -> Iterator[IntArray]:
        """Codes [n_codebooks, t], as soon as no later window can change them; as many frames as came.

        Args:
            coarse: codes [n_coarse, T], at once or as an iterator of pieces.
            history: a voice's codes [n_codebooks, T']; the last `layout.max_history` frames are read.
            options: how to sample; frames of a window come all at once, so repetition can't be looked at.
            generator: on the model's device; None for unpredictable draws.

        Raises:
            OptionError: the options look at repetition.
            VoiceError: the history is not of this model's shape.
            BarkError: the coarse codes aren't; at once for an array, else when such a piece comes.
        """
        stream = self.stream(history, options=options, generator=generator)
        if isinstance(coarse, (np.ndarray, Tensor)):
            coarse = [self._checked(coarse)]
        return self._all(stream, coarse)

    def stream(
        self, history: Tokens | None = None, *, options: SamplingOptions, generator: torch.Generator | None = None
    ) -> FineStream:
        """The same for codes that are pushed; see `generate`."""
        if options.repetition_window:
            raise OptionError("repetition_window: the fine stage writes all frames at once; set it to 0 there")
        frames = Frames(self._history(history), self.tokens.fine_pad)
        return FineStream(self._steps(frames, Sampler(options, generator, self.model.device)), self._checked)

    def _all(self, stream: FineStream, pieces: Iterable[Tokens]) -> Iterator[IntArray]:
        for piece in pieces:
            yield from stream.push(piece)
        yield from stream.finish()

    def _steps(self, frames: Frames, sampler: Sampler) -> FineSteps:
        given = settled = len(frames)
        if not (yield from frames.reach(given + 1)):
            return
        windows = Windows(self.layout, given)
        for n in count():
            yield from frames.reach(windows.end(n))
            known = len(frames)
            if self.layout.pad_window:
                frames.pad(self.layout.window)
            window = windows.window(n, len(frames))
            self._predict(frames.codes, window, sampler)
            done = min(windows.fill(n + 1, len(frames)), known)
            if done > settled:
                yield frames.codes[:, settled:done]
            settled = max(settled, done)
            if not (yield from frames.reach(window.stop + 1)):
                break
        if known > settled:
            yield frames.codes[:, settled:known]

    def _predict(self, codes: IntArray, window: Window, sampler: Sampler) -> None:
        """Writes the codebooks after the coarse ones into the window's frames from `fill` on."""
        start, fill, stop = window
        if not self.layout.pad_window:  # Suno's windows leave what the window before them guessed
            codes[self.tokens.n_coarse :, fill:stop] = self.tokens.fine_pad
        seen = torch.from_numpy(codes[:, start:stop].T.copy()).to(self.model.device)
        for codebook in range(self.tokens.n_coarse, self.tokens.n_codebooks):
            logits = self.model(codebook, seen[None], slice(0, self.tokens.codebook_size), tail=stop - fill)
            seen[fill - start :, codebook] = sampler(logits[0])
        codes[:, fill:stop] = seen[fill - start :].T.cpu().numpy()

    def _history(self, values: Tokens | None) -> IntArray:
        tokens = self.tokens
        if values is None:
            return np.empty((tokens.n_codebooks, 0), dtype=np.int64)
        codes = code_rows(values, tokens.n_codebooks, tokens.codebook_size, "fine history", VoiceError)
        return codes[:, max(0, codes.shape[1] - self.layout.max_history) :]

    def _checked(self, codes: Tokens) -> IntArray:
        return code_rows(codes, self.tokens.n_coarse, self.tokens.codebook_size, "coarse codes", BarkError)

    def _check(self) -> None:
        layout, shape = self.layout, self.model.config
        if not 0 < layout.hop <= layout.window <= shape.block_size:
            raise CheckpointError(
                f"config.json: fine_layout: expected 0 < hop ≤ window ≤ {shape.block_size}, the model's block_size, "
                f"got hop {layout.hop}, window {layout.window}"
            )
        if not 0 <= layout.first_hop <= layout.hop or (layout.first_hop and layout.pad_window):
            raise CheckpointError(
                f"config.json: fine_layout: a first_hop of {layout.first_hop}, but it goes from 0 to the hop, "
                f"{layout.hop}, and not with pad_window"
            )
        if layout.pad_window and layout.max_history + layout.hop > layout.window:
            raise CheckpointError(
                f"config.json: fine_layout: a history of {layout.max_history} frames and a hop of {layout.hop} "
                f"don't fit a window of {layout.window}"
            )
        if self.tokens.fine_pad >= shape.vocab or self.tokens.n_codebooks != shape.n_codebooks:
            raise CheckpointError(
                f"config.json: fine: a vocabulary of {shape.vocab} and {shape.n_codebooks} codebooks, but the tokens "
                f"are {self.tokens.codebook_size} and a placeholder in {self.tokens.n_codebooks} codebooks"
            )
        if not shape.n_given <= self.tokens.n_coarse <= self.tokens.n_codebooks:
            raise CheckpointError(
                f"config.json: fine: codebooks from {shape.n_given} on have a head, but {self.tokens.n_coarse} of "
                f"{self.tokens.n_codebooks} are coarse"
            )
