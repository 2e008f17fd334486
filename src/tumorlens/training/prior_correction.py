"""Trained network + validation subset -> the network with its healthy class corrected for the shifted class prior.

Lesion inpainting makes healthy images more frequent in training than in the data, and healthy images come from other
scanners. Both bias the score of the healthy class. One number corrects it, added to the bias of that class: the shift
that maximizes the likelihood of the validation labels, fitted together with a temperature that is not kept
(bias-corrected temperature scaling; Alexandari, Kundaje and Shrikumar 2020, ICML). It changes neither the ranking of
images by the score of the healthy class nor the ranking of the tumor classes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tumorlens._arrays import Floats, Ints
from tumorlens.models import Network
from tumorlens.training.data_loading import Loader
from tumorlens.training.loop.supervised_task import SupervisedTask

_TEMPERATURE_SD = 0.5  # prior of log T, as in the calibration of probabilities
_SHIFT_SD = 2.0  # prior of the shift


def can_correct_prior(network: Network) -> bool:
    """Whether the network ends with a linear layer, named head, that has a bias for each class."""
    head = getattr(network, "head", None)
    return isinstance(head, nn.Linear) and head.bias is not None


def correct_prior(task: SupervisedTask, batches: Loader, healthy: int, units: int) -> float:
    """Shift the bias of the healthy class, in place.

    Args:
        task: trained; its network is left in evaluation mode.
        batches: of the validation subset.
        healthy: index of the class without a tumor.
        units: number of sampling units (patients, or images without one) in the validation subset.

    Returns:
        The number that was added to the logit of the class.
    """
    task.eval()
    with torch.inference_mode():
        outputs = [(task(batch.images.to(task.device)).logits.cpu(), batch.labels) for batch in batches]
    logits, labels = (torch.cat(column) for column in zip(*outputs, strict=True))
    shift = fit_shift(logits.double().numpy(), labels.numpy(), healthy, units)
    head = task.network.head
    assert isinstance(head, nn.Linear)  # `check_fit` has checked it
    with torch.no_grad():
        head.bias[healthy] += shift
    return shift


def fit_shift(logits: Floats, labels: Ints, healthy: int, units: int) -> float:
    """The shift of the logits of one class that maximizes the likelihood of the labels.

    Slices of one patient are not independent, so the mean log-likelihood over images is multiplied by the number of
    patients, and weak priors are added: shift ~ N(0, 2), log T ~ N(0, 0.5).

    Args:
        logits: (N, K).
        labels: (N,) index of the reference class.
        healthy: index of the class that is shifted.
        units: number of independent sampling units.
    """
    from scipy.optimize import minimize

    scores, classes = torch.from_numpy(np.array(logits)), torch.from_numpy(np.array(labels))
    shifted_class = F.one_hot(torch.tensor(healthy), scores.shape[1])

    def negative_log_posterior(parameters: Floats) -> float:
        log_temperature, shift = map(float, parameters)
        loss = F.cross_entropy((scores + shift * shifted_class) / np.exp(log_temperature), classes)
        prior = (log_temperature / _TEMPERATURE_SD) ** 2 + (shift / _SHIFT_SD) ** 2
        return units * float(loss) + prior / 2

    optimum = minimize(
        negative_log_posterior, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6}
    )
    return float(optimum.x[1])
