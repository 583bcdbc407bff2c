"""Softmax regression: one linear score per class, fitted by full-batch gradient descent with momentum."""

from __future__ import annotations

from typing import Callable

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    """Row-wise probabilities; shifted by the row's maximum so that exp() cannot overflow."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-probability of the right class, in nats."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())


class SoftmaxRegression:
    """Linear in the pixels: the least that a digit reader can be."""

    name = "softmax"

    def __init__(self, classes: int, seed: int = 0, epochs: int = 300, rate: float = 0.5, decay: float = 1e-4):
        self.settings = {"epochs": epochs, "rate": rate, "decay": decay, "seed": seed}
        self._classes = classes
        self._weights = np.zeros((0, classes))
        self._bias = np.zeros(classes)

    def fit(self, x: np.ndarray, y: np.ndarray, progress: Callable[[int, float], None] = lambda step, loss: None):
        """Fits to (n, d) features and (n,) labels; ``progress`` hears (epoch, loss)."""
        epochs, rate, decay = (self.settings[key] for key in ("epochs", "rate", "decay"))
        self._weights = np.zeros((x.shape[1], self._classes))
        self._bias = np.zeros(self._classes)
        wanted = np.eye(self._classes)[y]
        pull_w, pull_b = np.zeros_like(self._weights), np.zeros_like(self._bias)
        for epoch in range(epochs):
            probabilities = softmax(x @ self._weights + self._bias)
            error = (probabilities - wanted) / len(y)
            pull_w = 0.9 * pull_w - rate * (x.T @ error + decay * self._weights)
            pull_b = 0.9 * pull_b - rate * error.sum(axis=0)
            self._weights += pull_w
            self._bias += pull_b
            progress(epoch, cross_entropy(probabilities, y))
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The most probable class of each row."""
        return np.argmax(x @ self._weights + self._bias, axis=1)

    def state(self) -> dict[str, np.ndarray]:
        """What must be kept to predict again."""
        return {"weights": self._weights, "bias": self._bias}
