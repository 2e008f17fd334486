"""Names -> networks. Pure torch.nn; every architecture is one file that enters itself in the registry."""

from tumorlens._extras import require
from tumorlens._network_table import ArchitectureInfo

require("torch", "train", "build networks")
require("timm", "train", "build networks")

from tumorlens.models import architectures  # noqa: E402
from tumorlens.models.cost import Cost, cost  # noqa: E402
from tumorlens.models.layers.attention import attention_maps, attention_names  # noqa: E402
from tumorlens.models.model_output import ModelOutput, Network  # noqa: E402
from tumorlens.models.ood import InDistributionSubspace, OODScore, principal_subspace  # noqa: E402
from tumorlens.models.pipeline import ModelSpec, Pipeline, PipelineOutput  # noqa: E402
from tumorlens.models.preprocessing import Preprocessing  # noqa: E402
from tumorlens.models.pretrained import attribution, load_pretrained  # noqa: E402
from tumorlens.models.registry import architecture_info, create, registered_names  # noqa: E402

architectures.register_all()

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
    "Preprocessing",
    "architecture_info",
    "attention_maps",
    "attention_names",
    "attribution",
    "cost",
    "create",
    "load_pretrained",
    "principal_subspace",
    "registered_names",
]
