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
from tumorlens.models.model_output import ModelOutput, Network  # noqa: E402
from tumorlens.models.ood import InDistributionSubspace, OODScore, principal_subspace  # noqa: E402
from tumorlens.models.pipeline import ModelSpec, Pipeline, PipelineOutput  # noqa: E402
from tumorlens.models.preprocessing import Prepare  # noqa: E402
from tumorlens.models.pretrained import attribution, load_pretrained  # noqa: E402
from tumorlens.models.registry import ArchitectureInfo, card, create, names  # noqa: E402

__all__ = [
    "ArchitectureInfo",
    "Cost",
    "InDistributionSubspace",
    "ModelOutput",
    "ModelSpec",
    "Network",
    "OODScore",
    "Pipeline",
    "PipelineOutput",
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
    "principal_subspace",
    "unet",
]
