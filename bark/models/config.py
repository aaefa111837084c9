"""Shapes of the three models and the layout of their prompts; Suno's and pup's differ in numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from math import ceil, floor, inf
from typing import Any, TypeVar, get_type_hints

from bark.errors import CheckpointError, OptionError
from bark.options import GenerateOptions, ModelsOwnCount
from bark.tokens import SUNO, TokenSpace

T = TypeVar("T")

NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
COUNTED = {  # numbers of a model that are at least 1
    "tokens": ("sample_rate", "semantic_vocab", "codebook_size", "n_coarse", "n_codebooks"),
    "semantic": ("n_layer", "n_head", "n_embd", "block_size", "input_vocab", "output_vocab"),
    "coarse": ("n_layer", "n_head", "n_embd", "block_size", "input_vocab", "output_vocab"),
    "fine": ("n_layer", "n_head", "n_embd", "block_size", "vocab", "n_codebooks"),
    "semantic_layout": ("text_length", "max_steps"),
    "coarse_layout": ("semantic_window", "stride"),
    "fine_layout": ("window", "hop"),
}
COARSE_WINDOWS = {"exact": 1, "wide": 2, "widest": 4}  # how far the coarse window moves, times the model's own stride


@dataclass(frozen=True)
class GPTConfig:
    """A causal model: semantic or coarse.

    Attributes:
        input_vocab: rows of the embedding.
        output_vocab: rows of the head.
        bias: whether linear layers and LayerNorms have one.
    """

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    input_vocab: int
    output_vocab: int
    bias: bool = False


@dataclass(frozen=True)
class FineGPTConfig:
    """The non-causal model that fills in the codebooks after the coarse ones.

    Attributes:
        vocab: rows of each codebook's embedding and of each head.
        n_given: codebooks that have no head, because they are always given (Suno: 1).
        bias: of the linear layers; LayerNorms always have one.
    """

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    vocab: int
    n_codebooks: int = 8
    n_given: int = 1
    bias: bool = False


@dataclass(frozen=True)
class SemanticLayout:
    """Prompt of the semantic stage: embed(text) + embed(history), then the infer token.

    Attributes:
        text_length: text tokens kept; the infer token's position is max(text_length, history_length).
        history_length: last semantic tokens of the voice that are kept.
        max_steps: semantic tokens written at most.
        pad_prompt: True as Suno trained: the prompt always fills its length with pads. False: only
            positions that hold text or history are there, which spares their computation.
    """

    text_length: int = 256
    history_length: int = 256
    max_steps: int = 768
    pad_prompt: bool = True

    @property
    def prompt_length(self) -> int:
        """Positions set aside for text and history; the infer token comes right after them."""
        return max(self.text_length, self.history_length)


@dataclass(frozen=True)
class CoarseLayout:
    """Window of the coarse stage: semantic tokens, the infer token, coarse tokens.

    Attributes:
        semantic_window: semantic tokens of a window, padded on the right.
        max_history: coarse tokens before the ones to write, at most; see `first_stride`.
        stride: coarse tokens written before the window moves.
        drop_history: coarse tokens dropped from the end of a voice (Suno: 2, for time alignment).
        first_stride: coarse tokens that the first window writes, so that it is done soon; each next one writes twice as
            many, until it is `stride`, and has as much less of a history. 0 for no such growth, as in Suno's.
    """

    semantic_window: int = 256
    max_history: int = 630
    stride: int = 60
    drop_history: int = 2
    first_stride: int = 0

    def stride_of(self, n: int) -> int:
        """Coarse tokens that window n writes."""
        return _growing(self.first_stride, self.stride, n)

    def history_of(self, n: int) -> int:
        """Coarse tokens, at most, before those that window n writes."""
        return self.span - self.stride_of(n)

    @property
    def span(self) -> int:
        """Coarse tokens of a window, at most: its history and what it writes."""
        return self.max_history + self.stride_of(0)


@dataclass(frozen=True)
class FineLayout:
    """Windows of the fine stage, in frames.

    Attributes:
        window: frames seen at once.
        hop: frames written before the window moves.
        max_history: frames of the voice set before the utterance, at most.
        pad_window: True as Suno trained: shorter audio is padded to a whole window.
        first_hop: frames that the first window writes, so that it is done soon; each next one writes twice as many,
            until it is `hop`. 0 for no such growth, as in Suno's.
    """

    window: int = 1024
    hop: int = 512
    max_history: int = 512
    pad_window: bool = True
    first_hop: int = 0

    def hop_of(self, n: int) -> int:
        """Frames that window n settles."""
        return _growing(self.first_hop, self.hop, n)


@dataclass(frozen=True)
class TextConfig:
    """How a text is made ready for the tokenizer.

    Attributes:
        labels: `MAN:` and `WOMAN:` before a line become tags, and `NARRATOR:` goes (`bark.text.labels`); False where
            they are text, as for Suno's models.
        verbalize: figures, dates, sums of money and abbreviations become words (`bark.text.verbalize`); False as Suno's
            models read them.
        readings: Chinese becomes pinyin, and Japanese katakana (`bark.text.readings`); False for the signs themselves.
        manners: each line is in one language, and a voice reads those in another language than its own in the manner of
            a preset of theirs (`bark.manners`); False where a model finds its way from one to another by itself.
    """

    labels: bool = False
    verbalize: bool = False
    readings: bool = False
    manners: bool = False


@dataclass(frozen=True)
class GuardConfig:
    """Where good and bad utterances of a model part, measured on it (`bark.guards`); None where nobody has measured.

    Attributes:
        surprise: nats by which semantic tokens may surprise the model on average (`bark.engine.surprise`).

    Raises:
        CheckpointError: a value makes no sense.
    """

    surprise: float | None = None

    def __post_init__(self) -> None:
        _above_0("guards: surprise", self.surprise)


@dataclass(frozen=True)
class SoundConfig:
    """Tags of which a model has learned to make a sound, and what is known of these; nothing where nobody has measured.

    Attributes:
        tags: as they are written, `[laughs]`, in small letters; for each the temperature of the semantic stage in a
            line with it, where the caller leaves that to the model. Of several the highest counts.
        shortest, longest: seconds that a sound takes, as the alignment tells; one that takes less or more looks wrong
            (`bark.guards`).
        lengths: for tags whose sounds take other times, these two numbers.

    Raises:
        CheckpointError: a value makes no sense.
    """

    tags: Mapping[str, float] = field(default_factory=dict)
    shortest: float | None = None
    longest: float | None = None
    lengths: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.tags, Mapping):
            raise CheckpointError(f"config.json: sounds: tags must be a table of temperatures, got {self.tags!r}")
        for tag, temperature in self.tags.items():
            _above_0(f"sounds: {tag}", temperature)
        for name in ("shortest", "longest"):
            _above_0(f"sounds: {name}", getattr(self, name))
        if not isinstance(self.lengths, Mapping):
            raise CheckpointError(f"config.json: sounds: lengths must be a table by tag, got {self.lengths!r}")
        object.__setattr__(self, "lengths", {tag: self._length(tag, pair) for tag, pair in self.lengths.items()})

    def _length(self, tag: str, pair: Any) -> tuple[float, float]:
        if tag not in self.tags or not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise CheckpointError(
                f"config.json: sounds: lengths: expected the least and the most seconds of one of the tags, "
                f"got {pair!r} for {tag}"
            )
        for number in pair:
            _above_0(f"sounds: lengths: {tag}", number)
        return pair[0], pair[1]

    def bounds(self, tag: str) -> tuple[float, float]:
        """The least and the most seconds of a tag's sound, 0 and infinity where nothing is known."""
        least, most = self.lengths.get(tag.lower(), (self.shortest, self.longest))
        return (0.0 if least is None else least), (inf if most is None else most)


def _above_0(name: str, value: object) -> None:
    """Checks a number that may be missing."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < inf
    if value is not None and not number:
        raise CheckpointError(f"config.json: {name} must be a number above 0, got {value!r}")


@dataclass(frozen=True)
class ModelConfig:
    """Everything that tells one Bark from another, as kept in a checkpoint's `config.json`.

    Attributes:
        text: how texts are made ready.
        codec: the codec's kind and shape, read by `bark.codec`.
        semantic_tokenizer: shape of the audio → semantic tokens model, where the checkpoint has one.
        generation: what suits the model where a caller chooses nothing.
        alignment_heads: (layer, head) pairs of the semantic model that look at the text token that is being spoken;
            none where nobody knows of any. See `bark.engine.alignment`.
        guards: when what it says looks wrong.
        sounds: which tags it makes a sound of.
        takes: by languages, two letters each, of how many takes of a line the best is spoken there, where the caller
            leaves that to the model; in others `generation.best_of`.

    Raises:
        CheckpointError: the model has no such head, or a number can't be.
    """

    name: str
    tokens: TokenSpace
    semantic: GPTConfig
    coarse: GPTConfig
    fine: FineGPTConfig
    semantic_layout: SemanticLayout = field(default_factory=SemanticLayout)
    coarse_layout: CoarseLayout = field(default_factory=CoarseLayout)
    fine_layout: FineLayout = field(default_factory=FineLayout)
    text: TextConfig = field(default_factory=TextConfig)
    codec: Mapping[str, Any] = field(default_factory=lambda: {"kind": "encodec"})
    semantic_tokenizer: Mapping[str, Any] | None = None
    generation: GenerateOptions = field(default_factory=GenerateOptions)
    alignment_heads: tuple[tuple[int, int], ...] = ()
    guards: GuardConfig = field(default_factory=GuardConfig)
    sounds: SoundConfig = field(default_factory=SoundConfig)
    takes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = self.generation  # whose count of takes stays the model's own, however it was read
        object.__setattr__(self, "generation", replace(own, best_of=ModelsOwnCount(own.best_of)))
        if not isinstance(self.takes, Mapping):
            raise CheckpointError(f"config.json: takes must be a table of numbers by language, got {self.takes!r}")
        for language, takes in self.takes.items():
            if type(takes) is not int or takes < 1:
                raise CheckpointError(f"config.json: takes: {language} must be a whole number from 1 up, got {takes!r}")
        object.__setattr__(self, "alignment_heads", _heads(self.alignment_heads, self.semantic))
        for part, names in COUNTED.items():
            for name, value in asdict(getattr(self, part)).items():
                least = 1 if name in names else 0
                if not least <= value < inf:
                    raise CheckpointError(f"config.json: {part}: {name} must be at least {least}, got {value!r}")
        for name in ("semantic_rate", "frame_rate"):
            _above_0(f"tokens: {name}", getattr(self.tokens, name))

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {**asdict(self), "alignment_heads": [list(pair) for pair in self.alignment_heads]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The inverse of `to_dict`.

        Raises:
            CheckpointError: a value is missing, unknown or of the wrong kind.
        """
        return from_mapping(cls, values, "config.json")


def _growing(first: int, whole: int, n: int) -> int:
    """The n-th of sizes that begin with `first` and double until they are whole; all are whole where it is 0."""
    return min(whole, first << min(n, 32)) if first else whole


def _heads(values: Any, shape: GPTConfig) -> tuple[tuple[int, int], ...]:
    """(layer, head) pairs, as JSON or a caller gives them, of a model of this shape."""
    whole = isinstance(values, (list, tuple)) and all(isinstance(pair, (list, tuple)) for pair in values)
    if not whole or not all(len(pair) == 2 and all(type(number) is int for number in pair) for pair in values):
        raise CheckpointError(f"config.json: alignment_heads: expected pairs of layer and head, got {values!r}")
    for layer, head in values:
        if not (0 <= layer < shape.n_layer and 0 <= head < shape.n_head):
            raise CheckpointError(
                f"config.json: alignment_heads: there is no head {head} in layer {layer}; "
                f"the semantic model has {shape.n_layer} layers of {shape.n_head} heads"
            )
    return tuple((layer, head) for layer, head in values)


def from_mapping(kind: type[T], values: Any, where: str) -> T:
    """A config dataclass from plain values; what it holds of other dataclasses is made of the tables within.

    Raises:
        CheckpointError: names are missing or unknown, or a value is of the wrong kind; `where` says in what.
    """
    if not isinstance(values, Mapping):
        raise CheckpointError(f"{where}: expected a table of settings, got {type(values).__name__}")
    known = get_type_hints(kind)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise CheckpointError(f"{where}: unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    made = {
        name: from_mapping(known[name], value, f"{where}: {name}")
        if is_dataclass(known[name])
        else _of_kind(known[name], value, f"{where}: {name}")
        for name, value in values.items()
    }
    try:
        return kind(**made)
    except (TypeError, OptionError) as error:
        raise CheckpointError(f"{where}: {error}") from error


def _of_kind(kind: Any, value: Any, where: str) -> Any:
    """A plain value, if it is of the kind that is declared: a whole number, a number, a truth value or a text.

    Whole numbers are numbers, too; of unions and tables nothing is known here.
    """
    kinds = {int: (int,), float: (int, float), bool: (bool,), str: (str,)}.get(kind)
    if kinds and not (isinstance(value, kinds) and isinstance(value, bool) == (kind is bool)):
        raise CheckpointError(f"{where}: expected {NAMES[kind]}, got {value!r}")
    return value


def widened(config: ModelConfig, windows: str) -> ModelConfig:
    """A model that writes more coarse tokens before it reads anew, which is sooner done and farther from its training.

    The history that a window reads gives way as far as the block and the semantic tokens ahead ask for it.

    Args:
        config: of the model.
        windows: of `COARSE_WINDOWS`.

    Raises:
        OptionError: there are no such windows, or they leave no room for a history.
    """
    if windows not in COARSE_WINDOWS:
        raise OptionError(f"{windows!r} are no coarse windows; say {', '.join(COARSE_WINDOWS)}")
    layout, tokens = config.coarse_layout, config.tokens
    stride = layout.stride * COARSE_WINDOWS[windows]
    if stride == layout.stride:
        return config
    ahead = ceil(stride / tokens.coarse_per_semantic)
    room = min(
        layout.max_history,
        config.coarse.block_size - layout.semantic_window - stride,
        floor((layout.semantic_window - ahead) * tokens.coarse_per_semantic),
    )
    history = room - room % tokens.n_coarse
    if history < stride // 2:
        raise OptionError(f"{windows} coarse windows don't fit {config.name}: its block is {config.coarse.block_size}")
    wide = replace(layout, stride=stride, max_history=history, first_stride=0)
    return replace(config, coarse_layout=wide)


def _suno(name: str, n_layer: int, n_head: int, n_embd: int) -> ModelConfig:
    shape = (n_layer, n_head, n_embd, 1024)
    return ModelConfig(
        name=name,
        tokens=SUNO,
        semantic=GPTConfig(*shape, input_vocab=129_600, output_vocab=10_048),
        coarse=GPTConfig(*shape, input_vocab=12_096, output_vocab=12_096),
        fine=FineGPTConfig(*shape, vocab=1056),
    )


SUNO_LARGE = _suno("suno/bark", 24, 16, 1024)
SUNO_SMALL = _suno("suno/bark-small", 12, 12, 768)
