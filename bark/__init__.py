"""Text to speech in three token stages and a codec."""

__version__ = "0.1.0"
