"""Ours beside the other implementations, on the same random weights, in one run. See docs/benchmarks.md.

python -m benchmarks all        the three below, as `make bench` does
python -m benchmarks compare    stages, the whole way, memory: the original, 🤗 transformers, ours
python -m benchmarks speech     pup beside Kokoro, hibari and Piper: sentences
python -m benchmarks load       what loading Suno's large models takes
python -m benchmarks plot       the picture of results that are kept
bash benchmarks/device.sh       correctness and speed on a GPU machine that is lent for minutes

shapes.py        the models' shapes
weights.py       random weights, in the form that each implementation reads
systems.py       implementations and their settings; a new setting is a line
environments.py  environments for packages that can't be in ours
process.py       an implementation at work in a process of its own
compare.py       the measuring, turn by turn
report.py        tables
plot.py          the picture
speech.py load.py device.py    the other commands
workers/         what runs in those processes, each in its own environment
"""
