"""Nearest prototype: a few typical pictures per class, found by k-means; a row takes the class of the nearest one."""

from __future__ import annotations

from typing import Callable

import numpy as np


def _distances(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    # |x - p|^2 without the |x|^2, which is the same for every point and so changes no comparison.
    return (points**2).sum(axis=1) - 2.0 * x @ points.T


class NearestPrototype:
    """No gradient at all: what it has learnt can be looked at, picture by picture."""

    name = "prototype"

    def __init__(self, classes: int, seed: int = 0, epochs: int = 25, per_class: int = 6):
        self.settings = {"epochs": epochs, "per_class": per_class, "seed": seed}
        self._classes = classes
        self._points = np.zeros((0, 0))
        self._owners = np.zeros(0, dtype=np.int64)

    def fit(self, x: np.ndarray, y: np.ndarray, progress: Callable[[int, float], None] = lambda step, loss: None):
        """Fits to (n, d) features and (n,) labels; ``progress`` hears (round, mean squared distance to the nearest)."""
        random = np.random.default_rng(self.settings["seed"])
        groups = [x[y == label] for label in range(self._classes)]
        centres = [self._start(rows, random) for rows in groups]
        for step in range(self.settings["epochs"]):
            spread = 0.0
            for label, rows in enumerate(groups):
                if len(rows) == 0:
                    continue
                nearest = np.argmin(_distances(rows, centres[label]), axis=1)
                spread += float(((rows - centres[label][nearest]) ** 2).sum())
                for index in np.unique(nearest):
                    centres[label][index] = rows[nearest == index].mean(axis=0)
            progress(step, spread / len(y))
        self._points = np.concatenate(centres)
        self._owners = np.concatenate([np.full(len(own), label) for label, own in enumerate(centres)])
        return self

    def _start(self, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        count = min(self.settings["per_class"], len(rows))
        return rows[random.permutation(len(rows))[:count]].copy()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The class of the nearest prototype of each row."""
        return self._owners[np.argmin(_distances(x, self._points), axis=1)]

    def state(self) -> dict[str, np.ndarray]:
        """What must be kept to predict again."""
        return {"points": self._points, "owners": self._owners}
