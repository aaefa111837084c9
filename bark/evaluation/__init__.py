"""How well a system speaks: what a listener understands, whose voice it is, how natural it sounds, how fast it is."""

from bark.evaluation.judging import Clip, Judgement, Panel, judge, similarity
from bark.evaluation.metrics import Edits

__all__ = ["Clip", "Edits", "Judgement", "Panel", "judge", "similarity"]
