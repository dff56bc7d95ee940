# syntax=docker/dockerfile:1
# fineprint in one image: the service, the ingest, and (as `chroma`) the Chroma server that replicas share.
# Nothing is fetched at run time: the weights are inside. No torch, hence no CUDA (deploy/requirements.txt).

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
RUN python -m venv /opt/fineprint
WORKDIR /src
COPY deploy/requirements.txt ./deploy/
RUN /opt/fineprint/bin/pip install --no-deps --only-binary=:all: --requirement deploy/requirements.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY qa ./qa
COPY ingest ./ingest
COPY eval ./eval
COPY ui ./ui
# Compiled here, because nothing can be written where it runs; pip and setuptools are not needed there.
RUN /opt/fineprint/bin/pip install --no-deps . \
    && /opt/fineprint/bin/pip uninstall --yes setuptools pip \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/fineprint/lib

FROM python:3.11.13-slim-bookworm
LABEL org.opencontainers.image.title="fineprint" \
      org.opencontainers.image.description="Questions about website privacy policies, answered with verified quotes" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 fineprint \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin fineprint \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/fineprint
COPY --from=build /opt/fineprint /opt/fineprint
COPY deploy/healthy.py /opt/fineprint/healthy.py
ENV PATH=/opt/fineprint/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HF_HUB_OFFLINE=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    ANONYMIZED_TELEMETRY=False \
    OMP_WAIT_POLICY=PASSIVE \
    FINEPRINT_INDEX=/var/lib/fineprint/index \
    FINEPRINT_CACHE=/tmp/fineprint
# Numbers, so that an orchestrator can see that this is not root.
USER 10001:10001
WORKDIR /tmp
VOLUME ["/var/lib/fineprint"]
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/opt/fineprint/healthy.py", "http://127.0.0.1:7860/readyz"]
ENTRYPOINT ["fineprint"]
CMD ["serve", "--host", "0.0.0.0", "--port", "7860"]
