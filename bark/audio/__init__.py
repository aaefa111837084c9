"""Audio in and out: files and streams in every format, sample rates, loudness, tempo."""
