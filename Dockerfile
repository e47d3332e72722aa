# One image with both interpreters: Odzew on 3.11, Rasa on 3.10. Written with care, but not built by the project's CI yet.
# Build: docker build -t odzew .   (torch comes as pip's settings choose; give pip the CPU build to keep the image small)
FROM python:3.10-slim-bookworm AS python310

FROM python:3.11-slim-bookworm
# Rasa's interpreter; its modules find libpython beside them.
COPY --from=python310 /usr/local /opt/python310
RUN useradd --create-home --uid 10001 odzew && mkdir -p /srv/odzew /data && chown odzew /srv/odzew /data
USER odzew
WORKDIR /srv/odzew
ENV LD_LIBRARY_PATH=/opt/python310/lib \
    ODZEW_RASA_PYTHON=/opt/python310/bin/python3.10

COPY --chown=odzew . .
RUN scripts/setup.sh run

ENV ODZEW_HOME=/data ODZEW_HOST=0.0.0.0 PATH=/srv/odzew/.venv/bin:$PATH
EXPOSE 8080
VOLUME /data
STOPSIGNAL SIGINT
HEALTHCHECK --interval=15s --timeout=3s --start-period=180s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"
CMD ["odzew", "up", "--no-demo"]
