"""Trained network + validation part -> how readily it says that there is no tumor, settled by images as they come.

Taking tumors out of training images (`augment.lesion_inpainting`) makes healthy ones more frequent than they are, and healthy
heads come with a look of their own: both move the point from which on a network names no tumor. One number moves it
back, added to the bias of that class: the shift under which the labels of the validation part are likeliest, fitted
together with a temperature that is not kept (bias-corrected temperature scaling; Alexandari, Kundaje and Shrikumar
2020, ICML). It changes no order within the class and none among the tumors.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from torch import nn
from torch.nn import functional as F

from tumorlens._arrays import Floats, Ints
from tumorlens.models import Network
from tumorlens.training.data_loading import Loader
from tumorlens.training.loop.supervised_task import Supervised

_TEMPERATURE_SD = 0.5  # of log T, as where probabilities are calibrated
_SHIFT_SD = 2.0


def can_correct_prior(network: Network) -> bool:
    """Whether the classes have a bias each, in a last linear layer by the name of head."""
    head = getattr(network, "head", None)
    return isinstance(head, nn.Linear) and head.bias is not None


def correct_prior(task: Supervised, batches: Loader, healthy: int, units: int) -> float:
    """Shift the bias of the healthy class, in place.

    Args:
        task: trained; its network is left in evaluation mode.
        batches: of the validation part.
        healthy: index of the class without a tumor.
        units: patients, or images without one, that the validation part comes from.

    Returns:
        What was added to the logit of the class.
    """
    task.eval()
    with torch.inference_mode():
        answers = [(task(batch.images.to(task.device)).logits.cpu(), batch.labels) for batch in batches]
    logits, labels = (torch.cat(column) for column in zip(*answers, strict=True))
    shift = fit_shift(logits.double().numpy(), labels.numpy(), healthy, units)
    head = task.network.head
    assert isinstance(head, nn.Linear)  # what `check_fit` has seen to
    with torch.no_grad():
        head.bias[healthy] += shift
    return shift


def fit_shift(logits: Floats, labels: Ints, healthy: int, units: int) -> float:
    """The shift of one class's logits under which labels are likeliest.

    Slices of a patient are no independent evidence, so the mean over images counts as often as there are patients,
    beside weak priors: shift ~ N(0, 2), log T ~ N(0, 0.5).

    Args:
        logits: (N, K).
        labels: (N,) index of the true class.
        healthy: index of the class that is shifted.
        units: number of independent units the images come from.
    """
    given, true = torch.from_numpy(np.array(logits)), torch.from_numpy(np.array(labels))
    moved = F.one_hot(torch.tensor(healthy), given.shape[1])

    def unlikely(parameters: Floats) -> float:
        log_temperature, shift = map(float, parameters)
        loss = F.cross_entropy((given + shift * moved) / np.exp(log_temperature), true)
        prior = (log_temperature / _TEMPERATURE_SD) ** 2 + (shift / _SHIFT_SD) ** 2
        return units * float(loss) + prior / 2

    found = minimize(unlikely, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6})
    return float(found.x[1])
