# syntax=docker/dockerfile:1
# One image, a role by command:
#   python -m services.intake | python -m services.classifier | python -m services.router | yijian <command>
#
# The classifier is trained here, not at start: the image then holds code, pack and model that belong together, every
# replica answers alike, the root file system can be read-only, a rollback takes the model back too, and no service waits
# for a training. Another city: --build-arg PACK=packs/<city>.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/yijian
ENV PATH=/opt/yijian/bin:$PATH
WORKDIR /srv/yijian

COPY requirements/runtime.txt requirements/runtime.txt
RUN pip install --require-hashes --only-binary=:all: -r requirements/runtime.txt

# Editable: the source stays in one place, with the data files that lie beside it.
COPY pyproject.toml README.md ./
COPY requirements/runtime.in requirements/runtime.in
COPY shared shared
COPY services services
COPY tools tools
COPY deploy deploy
RUN pip install --no-deps --no-build-isolation --editable .

ARG PACK=packs/qingting
COPY ${PACK} pack
RUN yijian pack check pack
ENV YIJIAN_PACK=/srv/yijian/pack YIJIAN_MODEL=/srv/yijian/model YIJIAN_DATA=/tmp/build
RUN yijian train

FROM python:${PYTHON_VERSION}-slim-bookworm AS runtime
RUN groupadd --gid 10001 yijian \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /srv/yijian --shell /usr/sbin/nologin yijian \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/yijian /var/lib/yijian/keys /var/lib/yijian/secrets
COPY --from=build /opt/yijian /opt/yijian
COPY --from=build /srv/yijian /srv/yijian
ENV PATH=/opt/yijian/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 \
    YIJIAN_PACK=/srv/yijian/pack YIJIAN_MODEL=/srv/yijian/model YIJIAN_DATA=/var/lib/yijian YIJIAN_HOST=0.0.0.0
WORKDIR /srv/yijian
USER 10001:10001
EXPOSE 8001 8002 8003
STOPSIGNAL SIGTERM
CMD ["yijian", "--help"]
