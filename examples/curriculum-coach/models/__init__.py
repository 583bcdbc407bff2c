"""The kinds of model that this project trains; each has its own release on the training host."""

from __future__ import annotations

from models.mlp import MultiLayerPerceptron
from models.prototype import NearestPrototype
from models.softmax import SoftmaxRegression

KINDS = {kind.name: kind for kind in (SoftmaxRegression, MultiLayerPerceptron, NearestPrototype)}
