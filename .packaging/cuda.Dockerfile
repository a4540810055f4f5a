# An image that measures on NVIDIA GPUs; the driver is the host's, 580 or later. In the clone's folder:
#
#     docker build --file .packaging/cuda.Dockerfile --tag glyphbench:cuda .
#     docker run --rm --gpus all --volume "$PWD/results:/glyphbench/results" glyphbench:cuda \
#         --device cuda --out results/mine
FROM python:3.11-slim-bookworm
# CUDA itself comes with the pinned packages; g++ is what torch.compile compiles with
RUN apt-get update && apt-get install --yes --no-install-recommends g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /glyphbench
COPY Makefile pyproject.toml requirements*.txt ./
RUN make install CUDA=1 && rm -rf /root/.cache
COPY . .
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENTRYPOINT [".venv/bin/python", "run_all.py"]
