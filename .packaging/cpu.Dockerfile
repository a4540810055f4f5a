# An image that measures on CPUs. In the clone's folder:
#
#     docker build --file .packaging/cpu.Dockerfile --tag glyphbench:cpu .
#     docker run --rm --volume "$PWD/results:/glyphbench/results" glyphbench:cpu --out results/mine
FROM python:3.11-slim-bookworm
# g++ is what torch.compile compiles with
RUN apt-get update && apt-get install --yes --no-install-recommends g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /glyphbench
COPY Makefile pyproject.toml requirements*.txt ./
RUN make install CUDA=0 && rm -rf /root/.cache
COPY . .
ENTRYPOINT [".venv/bin/python", "run_all.py"]
