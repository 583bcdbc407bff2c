"""Trains one kind of model on the data that this commit is bound to, and records the run in MLflow.

    python train.py            one training run, recorded in MLflow
    python train.py --smoke    can a run start here? (before a release goes live)
    python train.py --check    is what would be trained here any good? (after a release went live)

The kind of model is the name of the release (``TIDEGATE_RELEASE``); ``--model`` says it by hand. The MLflow server and
experiment come from the environment and are never set here, so every release goes on in the same experiment.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import dataset
from data_access import DataError, read_object
from models import KINDS

DATA_PATH = "s3://team-data/training/batch-001.jsonl"

SEED = 0
VALIDATION_SHARE = 0.2

# Every kind reads at least 93 % of the hold-out right after an honest batch, and about 10 % after shuffled labels.
ACCURACY_FLOOR = 0.85

# Only the training host has this file; the pipeline, and so whoever uploads data, can neither read nor fit it.
HOLDOUT = Path(os.environ.get("HOLDOUT_PATH", "/srv/training/shared/holdout.jsonl"))


class TrainError(Exception):
    """The run cannot start or its result is not good enough; the message is for the person on call."""


def model_kind(named: str | None) -> str:
    """The kind to train: by argument, else by the release this runs in, else the simplest."""
    kind = named or os.environ.get("TIDEGATE_RELEASE") or "softmax"
    if kind not in KINDS:
        raise TrainError(f"no model kind is called {kind!r}; there are {', '.join(KINDS)}")
    return kind


def accuracy(model, digits: dataset.Digits) -> float:
    """The share of rows that the model reads right, 0..1."""
    return float(np.mean(model.predict(digits.pixels) == digits.labels))


def load_bound() -> tuple[dataset.Digits, str]:
    """The bound data, checked, and the SHA-256 of its bytes."""
    raw = read_object("training", DATA_PATH)
    digits = dataset.parse(raw)
    faults = dataset.balance_faults(digits)
    if faults:
        raise dataset.DatasetError(faults)
    return digits, hashlib.sha256(raw).hexdigest()


def connect_mlflow():
    """The mlflow module, with the tracking server known to be set."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        # Without it mlflow silently writes to a folder on this host, and the experiment is cut in two.
        raise TrainError("MLFLOW_TRACKING_URI is not set; shared/mlflow.env should set it")
    # A server that is down is to be reported in seconds; mlflow's own defaults wait for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
    # A release is no Git work tree; the commit comes from MLFLOW_RUN_CONTEXT.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # A training host says nothing to anybody but its tracking server.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    return mlflow


@contextmanager
def mlflow_client():
    """connect_mlflow(), with mlflow's own errors told in one line."""
    mlflow = connect_mlflow()
    try:
        yield mlflow
    except mlflow.exceptions.MlflowException as error:
        raise TrainError(f"MLflow at {os.environ['MLFLOW_TRACKING_URI']} fails: {error}") from error


def run_training(kind: str) -> None:
    """One run: fit, measure, keep the model. A failure marks the run as failed."""
    digits, sha256 = load_bound()
    fitted, validation = dataset.split(digits, VALIDATION_SHARE, SEED)
    name = f"{kind}-{len(digits)}"
    with mlflow_client() as mlflow, mlflow.start_run(run_name=name, tags={"model.kind": kind}) as run:
        model = KINDS[kind](dataset.CLASSES, seed=SEED)
        mlflow.log_params({"model": kind, "data_path": DATA_PATH, "data_sha256": sha256, "rows": len(digits),
                           **model.settings})
        losses: list[float] = []
        started = time.monotonic()
        model.fit(fitted.pixels, fitted.labels, lambda step, loss: losses.append(loss))
        seconds = time.monotonic() - started
        for step in sorted({*range(0, len(losses), max(1, len(losses) // 8)), len(losses) - 1}):
            mlflow.log_metric("loss", losses[step], step=step)
        result = {"train_accuracy": accuracy(model, fitted), "validation_accuracy": accuracy(model, validation),
                  "fit_seconds": seconds}
        mlflow.log_metrics(result)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{kind}.npz"
            np.savez_compressed(path, **model.state())
            mlflow.log_artifact(str(path))
    print(f"{kind}: {len(digits)} rows, validation accuracy {result['validation_accuracy']:.3f}, "
          f"experiment {run.info.experiment_id}, run {run.info.run_id}")


def run_smoke(kind: str) -> None:
    """Everything a run needs is here: data readable and sound, model kind known, MLflow answering. Records nothing."""
    digits, _ = load_bound()
    KINDS[kind](dataset.CLASSES, seed=SEED, epochs=1).fit(digits.pixels, digits.labels)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "Default")
    with mlflow_client() as mlflow:
        experiment = mlflow.MlflowClient().get_experiment_by_name(name)
    where = f"experiment {experiment.experiment_id}" if experiment else f"a new experiment {name!r}"
    print(f"smoke: {kind} can train on {DATA_PATH} ({len(digits)} rows) into {where}")


def run_check(kind: str) -> None:
    """Trains on the bound data and demands ACCURACY_FLOOR on the hold-out. Records nothing."""
    digits, _ = load_bound()
    try:
        holdout = dataset.parse(HOLDOUT.read_bytes())
    except OSError as error:
        raise TrainError(f"cannot read the hold-out {HOLDOUT}: {error.strerror or error}") from error
    leaked = set(holdout.ids) & set(digits.ids)
    if leaked:
        raise TrainError(f"{len(leaked)} hold-out rows are in the training data ({sorted(leaked)[0]} is one), "
                         "so accuracy on them proves nothing")
    model = KINDS[kind](dataset.CLASSES, seed=SEED).fit(digits.pixels, digits.labels)
    reached = accuracy(model, holdout)
    if reached < ACCURACY_FLOOR:
        raise TrainError(f"{kind} trained on {DATA_PATH} reads {reached:.1%} of the hold-out right; "
                         f"{ACCURACY_FLOOR:.0%} is the floor")
    print(f"check: {kind} trained on {DATA_PATH} reads {reached:.1%} of the hold-out right")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(KINDS))
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--smoke", action="store_const", dest="run", const=run_smoke, default=run_training)
    mode.add_argument("--check", action="store_const", dest="run", const=run_check)
    options = parser.parse_args(arguments)
    try:
        options.run(model_kind(options.model))
    except dataset.DatasetError as error:
        print(f"{DATA_PATH} is not a sound data set:\n{error}", file=sys.stderr)
        return 1
    except (DataError, TrainError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
