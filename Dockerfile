# The command line and the service. `light` reads with the bundled reader on the processor; `gpu` adds torch and
# models of the hub. Both run as a user without rights, and hold nothing that was needed to build them.
FROM python:3.11-slim AS build-light
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/fundstelle
COPY . /source
RUN /opt/fundstelle/bin/pip install '/source[api,elasticsearch]'

FROM build-light AS build-gpu
RUN /opt/fundstelle/bin/pip install '/source[torch]'

FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 HAYSTACK_TELEMETRY_ENABLED=False PATH=/opt/fundstelle/bin:$PATH \
    FUNDSTELLE_DATA=/var/lib/fundstelle
RUN useradd --create-home --uid 10001 fundstelle \
    && install --directory --owner fundstelle /documents /var/lib/fundstelle /home/fundstelle/.cache/huggingface
WORKDIR /documents
USER fundstelle
EXPOSE 8000
ENTRYPOINT ["fundstelle"]

FROM base AS gpu
COPY --from=build-gpu /opt/fundstelle /opt/fundstelle

FROM base AS light
COPY --from=build-light /opt/fundstelle /opt/fundstelle
