# The command line. `light` reads with the bundled reader on the processor; `gpu` adds torch and models of the hub.
FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 HAYSTACK_TELEMETRY_ENABLED=False
RUN useradd --create-home fundstelle \
    && install --directory --owner fundstelle /documents /home/fundstelle/.cache/huggingface
WORKDIR /source
COPY . .

FROM base AS gpu
RUN pip install '.[elasticsearch,torch]' && rm -r /source
WORKDIR /documents
USER fundstelle
ENTRYPOINT ["fundstelle"]

FROM base AS light
RUN pip install '.[elasticsearch]' && rm -r /source
WORKDIR /documents
USER fundstelle
ENTRYPOINT ["fundstelle"]
