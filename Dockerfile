# syntax=docker/dockerfile:1
# docker build -t openbark .                               on CPUs
# docker build -t openbark:cuda --build-arg DEVICE=cuda .   on NVIDIA GPUs; run it with --gpus all
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG DEVICE=cpu
RUN python -m venv /opt/bark
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY constraints.txt ./
# PyPI's torch brings CUDA's libraries along, which are gigabytes
RUN case "$DEVICE" in \
      cpu) index=https://download.pytorch.org/whl/cpu ;; \
      cuda) index=https://pypi.org/simple ;; \
      *) echo "DEVICE is cpu or cuda, not $DEVICE" >&2; exit 1 ;; \
    esac && /opt/bark/bin/pip install --index-url "$index" --extra-index-url https://pypi.org/simple \
      --constraint constraints.txt torch
COPY pyproject.toml README.md LICENSE ./
COPY bark bark
RUN /opt/bark/bin/pip install --constraint constraints.txt '.[serve]'

FROM python:${PYTHON}-slim
RUN useradd --system --create-home --home-dir /data --uid 10001 bark
COPY --from=build /opt/bark /opt/bark
ENV PATH=/opt/bark/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_DATA_HOME=/data/share \
    XDG_CACHE_HOME=/data/cache \
    BARK_SERVE_HOST=0.0.0.0
USER bark
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s CMD ["python", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["bark"]
CMD ["serve"]
