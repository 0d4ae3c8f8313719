"""What a job trains: its network, and the clips of one state."""

import numpy as np
import torch

from optplan.config import clip_spec, planning_spec
from optplan.networks.custom import build_custom_network
from optplan.networks.zoo import build_network
from optplan.planning.states import State
from optplan.planning.strategies import StageSpec
from optplan.training.snapshots import load
from optplan.video.clips import TrainingClips, ViewClips
from optplan.video.flow import FlowClips, flow_folder, stored_pictures
from optplan.video.frames import FrameStore, VideoFiles
from optplan.video.index import read_table


class JobClips:
    """The clips of one state's sampling and length, from the videos or the decoded frames.

    Args:
        inputs: of a job: `split`, the table of videos, and `videos`, what they are read from.
        settings: the experiment's, with data, modality, states and video.
    """

    def __init__(self, inputs, settings: dict, state: State | StageSpec):
        self.table = read_table(inputs.split)
        self.video = settings["video"]
        self.spec = clip_spec(settings, state.sampling, state.length)
        self.planning_spec = planning_spec(settings, state.sampling, state.length)
        store = FrameStore if settings["data"]["cache"] else VideoFiles
        if settings["modality"] == "rgb":
            self.source: FrameStore | VideoFiles | FlowClips = store(inputs.videos, self.table)
        else:
            videos = inputs.videos if settings["data"]["cache"] else flow_folder(inputs.split)
            self.source = FlowClips(store(videos, stored_pictures(self.table)), self.table)

    def training(self, subsets: tuple[str, ...], seed: int) -> TrainingClips:
        return TrainingClips(
            self.source,
            self.table,
            self._rows(subsets),
            self.spec,
            short_side=self.video["short_side"],
            crop=self.video["crop"],
            flip=self.video["flip"],
            augmentation=self.video["augmentation"],
            seed=seed,
        )

    def validation(self) -> ViewClips:
        return ViewClips(
            self.source,
            self.table,
            self._rows(("val",)),
            self.planning_spec,
            short_side=self.video["planning_short_side"],
            crop=self.video["crop"],
            first=self.video["planning_clip"] == "first-longest",
        )

    def views(self, subsets: tuple[str, ...], **views) -> ViewClips:
        return ViewClips(self.source, self.table, self._rows(subsets), self.spec, **views)

    def _rows(self, subsets: tuple[str, ...]) -> np.ndarray:
        return np.flatnonzero(self.table["subset"].isin(subsets))


def job_network(settings: dict, table, weights=None) -> torch.nn.Module:
    """The experiment's network, with the weights of that file if one is given."""
    own = settings["network"]
    options = {"num_classes": int(table["target"].max()) + 1, "dropout": own["dropout"]}
    if ":" in own["name"]:
        network: torch.nn.Module = build_custom_network(own["name"], **options)
    else:
        options |= {"blocks": own["blocks"]}
        options |= {"in_channels": 2 if settings["modality"] == "flow" else 3}
        network = build_network(own["name"], own["body"], **options)
    if weights is not None:
        network.load_state_dict(load(weights))
    return network
