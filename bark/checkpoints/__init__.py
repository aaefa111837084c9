"""Where models are kept, and reading and writing them. `registry` is light; the others import torch."""
