"""A multi-layer perceptron: one hidden layer of rectifiers, fitted by Adam on small batches."""

from __future__ import annotations

from typing import Callable

import numpy as np

from models.softmax import cross_entropy, softmax


class MultiLayerPerceptron:
    """Bends the borders that softmax regression can only draw straight."""

    name = "mlp"

    def __init__(self, classes: int, seed: int = 0, epochs: int = 60, hidden: int = 48, rate: float = 0.01,
                 batch: int = 64):
        self.settings = {"epochs": epochs, "hidden": hidden, "rate": rate, "batch": batch, "seed": seed}
        self._classes = classes
        self._layers: dict[str, np.ndarray] = {}

    def fit(self, x: np.ndarray, y: np.ndarray, progress: Callable[[int, float], None] = lambda step, loss: None):
        """Fits to (n, d) features and (n,) labels; ``progress`` hears (epoch, mean loss)."""
        random = np.random.default_rng(self.settings["seed"])
        hidden, batch = self.settings["hidden"], self.settings["batch"]
        # He initialisation: keeps the variance of the rectified layer that of its input.
        self._layers = {
            "w1": random.normal(0.0, np.sqrt(2.0 / x.shape[1]), (x.shape[1], hidden)),
            "b1": np.zeros(hidden),
            "w2": random.normal(0.0, np.sqrt(2.0 / hidden), (hidden, self._classes)),
            "b2": np.zeros(self._classes),
        }
        mean = {name: np.zeros_like(value) for name, value in self._layers.items()}
        square = {name: np.zeros_like(value) for name, value in self._layers.items()}
        step = 0
        for epoch in range(self.settings["epochs"]):
            order = random.permutation(len(y))
            losses = []
            for start in range(0, len(y), batch):
                rows = order[start:start + batch]
                loss, slopes = self._slopes(x[rows], y[rows])
                losses.append(loss)
                step += 1
                self._adam(slopes, mean, square, step)
            progress(epoch, float(np.mean(losses)))
        return self

    def _slopes(self, x: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        layers = self._layers
        inner = x @ layers["w1"] + layers["b1"]
        active = np.maximum(inner, 0.0)
        probabilities = softmax(active @ layers["w2"] + layers["b2"])
        error = (probabilities - np.eye(self._classes)[y]) / len(y)
        back = (error @ layers["w2"].T) * (inner > 0.0)
        slopes = {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": active.T @ error, "b2": error.sum(axis=0)}
        return cross_entropy(probabilities, y), slopes

    def _adam(self, slopes: dict, mean: dict, square: dict, step: int) -> None:
        for name, slope in slopes.items():
            mean[name] = 0.9 * mean[name] + 0.1 * slope
            square[name] = 0.999 * square[name] + 0.001 * slope**2
            unbiased = mean[name] / (1 - 0.9**step)
            scale = np.sqrt(square[name] / (1 - 0.999**step)) + 1e-8
            self._layers[name] = self._layers[name] - self.settings["rate"] * unbiased / scale

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The most probable class of each row."""
        layers = self._layers
        active = np.maximum(x @ layers["w1"] + layers["b1"], 0.0)
        return np.argmax(active @ layers["w2"] + layers["b2"], axis=1)

    def state(self) -> dict[str, np.ndarray]:
        """What must be kept to predict again."""
        return dict(self._layers)
