"""Lines and what was spoken of them, kept in a folder: to go on where it was broken off, and to redo single lines."""

from bark.project.project import Changes, Project, kept_seed

__all__ = ["Changes", "Project", "kept_seed"]
