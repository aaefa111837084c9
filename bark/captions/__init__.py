"""What is said when: the times of words, captions, and lines spoken to fit the times of captions.

cues(parts, utterances)                   what was spoken, with the times of its words
fitted(cues, Fitting(width=42))           captions that can be read
by_word(cues)                             a caption for each word
write_captions(path, cues)                a file of them; write_srt, write_vtt, write_json
read_captions(path)                       cues of a file; read_srt, read_vtt
plan(cues, seconds), dub(cues, speak, …)  lines that keep the times of cues
"""

from bark.captions.cue import Cue, Word, by_word, moved
from bark.captions.dubbing import Fit, Limits, dub, plan
from bark.captions.files import check_captions, read_captions, write_captions
from bark.captions.fitting import Fitting, fitted
from bark.captions.srt import format_srt, parse_srt, read_srt, write_srt
from bark.captions.timeline import format_json, timeline, write_json
from bark.captions.vtt import format_vtt, parse_vtt, read_vtt, write_vtt
from bark.captions.words import Spoken, cues, words_of

__all__ = [
    "Cue",
    "Fit",
    "Fitting",
    "Limits",
    "Spoken",
    "Word",
    "by_word",
    "check_captions",
    "cues",
    "dub",
    "fitted",
    "format_json",
    "format_srt",
    "format_vtt",
    "moved",
    "parse_srt",
    "parse_vtt",
    "plan",
    "read_captions",
    "read_srt",
    "read_vtt",
    "timeline",
    "words_of",
    "write_captions",
    "write_json",
    "write_srt",
    "write_vtt",
]
