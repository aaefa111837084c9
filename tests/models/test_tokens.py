"""Codes as one row of tokens, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bark.tokens import SUNO, TokenSpace

spaces = st.builds(
    lambda vocab, size, n_coarse: replace(SUNO, semantic_vocab=vocab, codebook_size=size, n_coarse=n_coarse),
    st.integers(1, 10_000),
    st.integers(1, 1024),
    st.integers(1, 8),
)
spaces_and_codes = spaces.flatmap(
    lambda space: st.tuples(
        st.just(space),
        hnp.arrays(
            st.sampled_from([np.int64, np.int32, np.uint16]),
            st.tuples(st.just(space.n_coarse), st.integers(0, 12)),
            elements=st.integers(0, space.codebook_size - 1),
        ),
    )
)


@given(spaces_and_codes)
def test_there_and_back(case: tuple[TokenSpace, npt.NDArray[np.integer]]) -> None:
    space, codes = case
    row = space.flatten_coarse(codes)
    assert row.shape == (codes.size,)
    assert row.dtype == np.int64
    back = space.unflatten_coarse(row)
    assert back.shape == codes.shape
    assert back.tolist() == codes.tolist()


@given(spaces_and_codes)
def test_every_token_is_of_its_codebooks_rows(case: tuple[TokenSpace, npt.NDArray[np.integer]]) -> None:
    space, codes = case
    for i, token in enumerate(space.flatten_coarse(codes).tolist()):
        frame, codebook = divmod(i, space.n_coarse)
        rows = space.coarse_rows(codebook)
        assert rows.start <= token < rows.stop
        assert token - rows.start == codes[codebook, frame]


@given(spaces)
def test_rows_follow_the_semantic_tokens_without_a_gap(space: TokenSpace) -> None:
    edges = [space.semantic_vocab]
    for codebook in range(space.n_coarse):
        assert space.coarse_rows(codebook).start == edges[-1]
        edges.append(space.coarse_rows(codebook).stop)
    assert edges[-1] == space.semantic_vocab + space.n_coarse * space.codebook_size


def test_suno() -> None:
    assert SUNO.flatten_coarse(np.array([[1, 2], [3, 4]], dtype=np.uint16)).tolist() == [10_001, 11_027, 10_002, 11_028]
    assert SUNO.coarse_per_semantic == pytest.approx(75 / 49.9 * 2)
    assert (SUNO.semantic_eos, SUNO.fine_pad, SUNO.hop) == (10_000, 1024, 320)
