"""Training of every model of a Bark: `bark train MODEL --config …`; the models are in `run.TASKS`."""
