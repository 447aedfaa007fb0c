# Two stages: the first makes the wheel, the second has only what a run needs (nrnivmodl wants g++, make and perl).
FROM python:3.12-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make perl \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --only-binary=:all: "$(ls /wheels/neurodamus_like-*.whl)[mpich,plot]" \
    && useradd --create-home runner
USER runner
WORKDIR /home/runner
# docker run IMAGE mpiexec -n 4 neurodamus-like run simulation_config.json
CMD ["neurodamus-like", "doctor"]
