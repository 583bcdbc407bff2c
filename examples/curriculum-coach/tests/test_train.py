"""Is the bound data fit to train on, and do the models train on it?

These tests run in the image that will be released, on the exact object that the commit is bound to. They judge the
shape of the data and whether the models learn from it at all. Whether what they learn carries over to new writers is
judged later, on the training host, with a hold-out file that the pipeline may not see: a test that could see it would
let whoever uploads data fit it. So labels that are consistent nonsense pass here and are stopped there.
"""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

import dataset
import train
from data_access import DataError, parse_s3, read_object
from models import KINDS

# Fitting labels better than this many times the most frequent label's share is learning, not guessing.
BETTER_THAN_CHANCE = 1.5
# Ten times what it takes on one slow core: a fit that exceeds it has changed in kind.
SECONDS_PER_FIT = 10.0


@pytest.fixture(scope="session")
def bound() -> dataset.Digits | dataset.DatasetError:
    try:
        return dataset.parse(read_object("training", train.DATA_PATH))
    except dataset.DatasetError as error:
        return error


@pytest.fixture
def digits(bound) -> dataset.Digits:
    # test_every_line_is_a_digit fails then, and once is enough to say it.
    if isinstance(bound, dataset.DatasetError):
        pytest.skip("the bound data cannot be read")
    return bound


def test_every_line_is_a_digit(bound):
    if isinstance(bound, dataset.DatasetError):
        pytest.fail(f"{train.DATA_PATH} is not a sound data set:\n{bound}", pytrace=False)
    assert bound.pixels.shape == (len(bound), dataset.PIXELS)
    assert set(bound.labels) <= set(range(dataset.CLASSES))


def test_every_label_has_enough_rows(digits):
    faults = dataset.balance_faults(digits)
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_no_picture_is_blank_or_everywhere_the_same(digits):
    ink = digits.pixels.sum(axis=1)
    blank = [digits.ids[row] for row in np.flatnonzero(ink == 0)]
    assert not blank, f"blank pictures: {blank[:5]}"
    distinct = len(np.unique(digits.pixels, axis=0))
    assert distinct >= 0.9 * len(digits), f"only {distinct} different pictures in {len(digits)} rows"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_model_learns_from_the_data(kind, digits):
    losses: list[float] = []
    started = time.monotonic()
    model = KINDS[kind](dataset.CLASSES, seed=train.SEED)
    model.fit(digits.pixels, digits.labels, lambda step, loss: losses.append(loss))
    seconds = time.monotonic() - started
    reached = train.accuracy(model, digits)
    most_frequent = np.bincount(digits.labels).max() / len(digits)
    print(f"{kind}: {len(digits)} rows, fits {reached:.1%}, guessing gives {most_frequent:.1%}, {seconds:.2f} s")
    assert losses[-1] < losses[0], "the loss did not fall"
    assert reached > BETTER_THAN_CHANCE * most_frequent
    assert seconds < SECONDS_PER_FIT


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_same_seed_gives_the_same_model(kind, digits):
    first, second = (
        KINDS[kind](dataset.CLASSES, seed=3, epochs=2).fit(digits.pixels, digits.labels).state() for _ in range(2)
    )
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


# From here on: the code that judges the data, tested on lines made here.


def line(**changes) -> str:
    return json.dumps({"id": "a", "pixels": [0] * 63 + [16], "label": 3} | changes)


def faults_of(*lines: str) -> list[str]:
    with pytest.raises(dataset.DatasetError) as caught:
        dataset.parse("\n".join(lines).encode())
    return caught.value.faults


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (line(id="b", label=12), "label 12 is not one of 0..9"),
        (line(id="b", label=True), "label True is not one of 0..9"),
        (line(id="b", label="3"), "label '3' is not one of 0..9"),
        (line(id="b", pixels=[0] * 63), "pixels has 63 numbers, not 64"),
        (line(id="b", pixels=None), "pixels has no numbers, not 64"),
        (line(id="b", pixels=[0] * 63 + [17]), "pixel 63 is 17, not one of 0..16"),
        (line(id="b", pixels=[0.5] + [0] * 63), "pixel 0 is 0.5, not one of 0..16"),
        (line(id=7), "id 7 is not a non-empty string"),
        (line(), "id 'a' is already on line 1"),
        ('{"id": "b"}', "lacks pixels, label"),
        ("[1, 2]", "is a JSON list, not an object"),
        ('{"id": "b", "pix', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("", "is empty"),
    ],
)
def test_fault_names_its_line(bad, says):
    faults = faults_of(line(), bad, line(id="c"))
    assert len(faults) == 1
    assert faults[0].startswith("line 2: ") and says in faults[0]


def test_all_faults_are_named_at_once():
    assert [fault.split(":")[0] for fault in faults_of("{", line(), line(id="b", label=-1))] == ["line 1", "line 3"]


def test_empty_file_and_foreign_bytes():
    assert faults_of("") == ["the file is empty"]
    with pytest.raises(dataset.DatasetError, match="line 2: is not UTF-8"):
        dataset.parse(line().encode() + b"\n\xff\xfe\n")


def test_split_keeps_every_row_once_and_every_label(digits):
    kept, held = dataset.split(digits, 0.25, seed=1)
    assert sorted(kept.ids + held.ids) == sorted(digits.ids)
    assert set(held.labels) == set(digits.labels)


@pytest.mark.parametrize(
    ("uri", "bucket", "key", "version"),
    [
        ("s3://b/a/k.jsonl", "b", "a/k.jsonl", None),
        ("s3://b/k.jsonl?versionId=v1", "b", "k.jsonl", "v1"),
        ("s3://b/%ED%95%9C%EA%B8%80%20+%2520%3Fx.jsonl?versionId=v.2_3", "b", "한글 +%20?x.jsonl", "v.2_3"),
    ],
)
def test_s3_uri_names_object_and_version(uri, bucket, key, version):
    wanted = parse_s3(uri)
    assert (wanted.bucket, wanted.key, wanted.version) == (bucket, key, version)


@pytest.mark.parametrize(
    "uri", ["s3://b", "s3://b/", "s3:///k", "/k", "s3://b/k?versionId=", "s3://b/k?v=1", "s3://b/%ff"]
)
def test_uri_that_names_no_object_is_refused(uri):
    with pytest.raises(DataError):
        parse_s3(uri)


def test_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TIDEGATE_DATA_TRAINING", str(tmp_path / "gone.jsonl"))
    with pytest.raises(DataError, match="gone.jsonl"):
        read_object("training", train.DATA_PATH)


def test_release_names_the_model_kind(monkeypatch):
    monkeypatch.setenv("TIDEGATE_RELEASE", "prototype")
    assert train.model_kind(None) == "prototype"
    assert train.model_kind("mlp") == "mlp"
    monkeypatch.setenv("TIDEGATE_RELEASE", "nonsense")
    with pytest.raises(train.TrainError, match="nonsense"):
        train.model_kind(None)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_check_separates_good_data_from_noise(kind, monkeypatch, tmp_path):
    """The health check passes on labels that mean something and refuses labels that mean nothing."""
    random = np.random.default_rng(0)
    corners = np.repeat(np.arange(dataset.CLASSES), 60)
    pictures = np.zeros((len(corners), dataset.PIXELS), dtype=int)
    pictures[np.arange(len(corners)), corners * 6] = 16
    pictures += random.integers(0, 3, pictures.shape) * (pictures < 14)

    def write(name: str, prefix: str, labels: np.ndarray):
        rows = [line(id=f"{prefix}{i}", pixels=[int(v) for v in row], label=int(labels[i]))
                for i, row in enumerate(pictures)]
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n")
        return path

    monkeypatch.setattr(train, "HOLDOUT", write("holdout.jsonl", "h", corners))
    monkeypatch.setenv("TIDEGATE_DATA_TRAINING", str(write("good.jsonl", "g", corners)))
    assert train.main(["--check", "--model", kind]) == 0
    monkeypatch.setenv("TIDEGATE_DATA_TRAINING", str(write("noise.jsonl", "n", random.permutation(corners))))
    assert train.main(["--check", "--model", kind]) == 1
    monkeypatch.setenv("TIDEGATE_DATA_TRAINING", str(train.HOLDOUT))
    assert train.main(["--check", "--model", kind]) == 1, "training on the hold-out must be refused"
