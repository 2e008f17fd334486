"""Names -> networks. Pure torch.nn; every architecture is one file that enters itself in the registry."""

from tumorlens._extras import require

require("torch", "train", "build networks")
require("timm", "train", "build networks")

from tumorlens.models.architectures import (  # noqa: E402
    baselines,
    brain_mri_efficientnet,
    brainmrnet,
    efficient_mtnet,
    efficientnet,
    efficientnet_transformer,
    mini_resnet,
    unet,
)
from tumorlens.models.cost import Cost, cost  # noqa: E402
from tumorlens.models.layers.attention import attention_maps, attention_names  # noqa: E402
from tumorlens.models.model_output import Network, Output  # noqa: E402
from tumorlens.models.ood import Familiar, Outside, principal  # noqa: E402
from tumorlens.models.pipeline import Answer, ModelSpec, Pipeline  # noqa: E402
from tumorlens.models.preprocessing import Prepare  # noqa: E402
from tumorlens.models.pretrained import attribution, load_pretrained  # noqa: E402
from tumorlens.models.registry import ModelCard, card, create, names  # noqa: E402

__all__ = [
    "Answer",
    "Cost",
    "Familiar",
    "ModelCard",
    "ModelSpec",
    "Network",
    "Output",
    "Outside",
    "Pipeline",
    "Prepare",
    "attention_maps",
    "attention_names",
    "attribution",
    "baselines",
    "brain_mri_efficientnet",
    "brainmrnet",
    "card",
    "cost",
    "create",
    "efficient_mtnet",
    "efficientnet",
    "efficientnet_transformer",
    "load_pretrained",
    "mini_resnet",
    "names",
    "principal",
    "unet",
]
