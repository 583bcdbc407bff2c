# The training image. /opt/release holds all that a release takes: wheels/, requirements.lock and the code.
FROM python:3.11

# First, so that the two images share no step: when both are built from nothing side by side, Docker's classic builder
# later looks for one's layers among the other's, does not find them, and builds all again.
LABEL org.opencontainers.image.title="curriculum-coach training"

# A venv, as on the host: the image's own Python is left alone, whoever built the base.
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

# Dependencies first. These layers change with the files named here only; a new data path rebuilds in an instant.
WORKDIR /opt/release
COPY requirements.txt constraints.txt lock_wheels.py /opt/build/
RUN pip wheel --quiet --no-cache-dir --wheel-dir wheels -r /opt/build/requirements.txt -c /opt/build/constraints.txt \
 && python /opt/build/lock_wheels.py wheels > requirements.lock

# Installed as the host will install: offline, and only these bytes.
RUN pip install --quiet --no-compile --no-index --find-links wheels --require-hashes --only-binary :all: -r requirements.lock

COPY test_requirements.txt /opt/build/
RUN pip install --quiet --no-cache-dir --no-compile -r /opt/build/test_requirements.txt -c /opt/build/constraints.txt

# What the tests import, compiled once here instead of in every job.
RUN PYTHONDONTWRITEBYTECODE= python -c "import boto3, mlflow, numpy, pytest, _pytest.junitxml"

COPY models/ models/
COPY tests/test_train.py tests/
COPY data_access.py dataset.py train.py ./
