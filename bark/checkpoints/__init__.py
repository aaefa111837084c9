"""Where models are kept, and reading and writing them. `registry` is light; `native` and `tensors` import torch."""
