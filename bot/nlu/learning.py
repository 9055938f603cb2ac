"""What all classifiers learn with: rows of n-grams, labels of sentences, and a linear model that costs little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List

import numpy as np
from rasa.shared.nlu.training_data.message import Message
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import SGDClassifier

ENCODER_EXAMPLES = 30  # sentences of a topic that the encoder reads in training, for the sake of time


@dataclass
class Linear:
    """Yes-or-no logistic regressions for many sparse columns, one for each class, kept so that one row costs little.

    `weights` has a row for each column, so a message touches only the rows of the n-grams it has. They are kept in half
    precision, which no probability notices in its third decimal, and summed in single.
    """

    classes: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    @classmethod
    def train(cls, rows: csr_matrix, labels: Any, **options: Any) -> Linear:
        """Train in averaged stochastic steps: seconds where batches take minutes. Single precision is enough."""
        fitted = SGDClassifier(loss="log_loss", max_iter=11, tol=None, average=True, random_state=0, **options)
        fitted.fit(rows, labels)
        weights = np.ascontiguousarray(fitted.coef_.T, dtype=np.float16)
        return cls(fitted.classes_, weights, fitted.intercept_.astype(np.float32))

    def probabilities(self, rows: csr_matrix) -> np.ndarray:
        """Return the probability of each class on its own, (rows, classes); they need not sum to one."""
        scores = np.empty((rows.shape[0], len(self.intercept)), dtype=np.float32)
        for i in range(rows.shape[0]):
            part = slice(rows.indptr[i], rows.indptr[i + 1])
            scores[i] = rows.data[part] @ self.weights[rows.indices[part]].astype(np.float32)
        return 1 / (1 + np.exp(-(scores + self.intercept)))

    def shares(self, rows: csr_matrix) -> np.ndarray:
        """Return the probabilities of classes that exclude each other: they sum to one in each row."""
        each = self.probabilities(rows)
        return each / each.sum(axis=1, keepdims=True)


def label(message: Message, name: str) -> Any:
    """Return a label of a training example from the metadata of its intent block, or None."""
    metadata = message.get("metadata") or {}
    return (metadata.get("intent") or {}).get(name)


def sparse_rows(messages: List[Message]) -> csr_matrix:
    """Return the n-gram vectors of the messages, one row each."""
    rows = [row.features for message in messages for row in message.features if row.is_sparse()]
    return csr_matrix(vstack(rows)) if len(rows) > 1 else rows[0]


def spread(labels: np.ndarray, most: int) -> List[int]:
    """Return at most `most` positions of each label, spread over all its writers."""
    chosen: List[int] = []
    for name in sorted(set(labels)):
        where = np.flatnonzero(labels == name)
        chosen.extend(where[np.unique(np.linspace(0, len(where) - 1, most).astype(int))])
    return sorted(int(i) for i in chosen)
