#!/usr/bin/env bash
# Trains models on a GPU machine that is lent for minutes, and writes what must come back as pieces under $OUT.
#
#   OUT=out bash recipes/pup/device.sh --seconds 500 semantic
#   OUT=out bash recipes/pup/device.sh --seconds 500 --steps 3000 coarse fine
#
# Options are those of `device_pack.py train`: --seconds, --steps, --device, --config, --data, --runs, --eager.
# It needs the folder that `device_pack.py pack` made, and PyTorch, numpy, safetensors and tokenizers; no network.
# State stays in build/device/runs, so that a second call on the same machine goes on. Told to stop, it still collects.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${OUT:?names no folder for what comes back}"

python=${PYTHON:-python3}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
runs=build/device/runs
options=() models=()
while (($#)); do
  case $1 in
    --runs) runs=$2; shift 2 ;;
    --eager) options+=("$1"); shift ;;
    --*) options+=("$1" "$2"); shift 2 ;;
    *) models+=("$1"); shift ;;
  esac
done
((${#models[@]})) || { echo "no model named: semantic, coarse or fine" >&2; exit 2; }

"$python" -c 'import torch; print("PyTorch", torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU")'
status=0
trap ':' TERM INT # the training saves when it is told to stop; then comes the collecting
"$python" -m recipes.pup.device_pack train "${models[@]}" --runs "$runs" "${options[@]}" &
training=$!
trap 'kill -TERM "$training" 2>/dev/null' TERM INT
until wait "$training"; do
  status=$?
  kill -0 "$training" 2>/dev/null || break # else a signal ended the waiting, not the training
done
"$python" -m recipes.pup.device_pack collect "${models[@]}" --runs "$runs" --out "$OUT"
exit "$status"
