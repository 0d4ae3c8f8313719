"""What a job computes on: its processes, each with a GPU of its own where there are any."""

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed

from optplan.locks import claimed
from optplan.processes import without_main

CPU = torch.device("cpu")
_OUT_OF_MEMORY = 86  # exit status of a process that ran out of GPU memory


@dataclass(frozen=True, slots=True)
class Rank:
    """One of the `count` processes that share a job; alone unless told otherwise."""

    number: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and talks to people."""
        return self.number == 0

    def wait(self):
        """Wait for all the others to come here."""
        if self.count > 1:
            distributed.barrier()

    def total(self, *values: float) -> list[float]:
        """The sum of each value over all processes, in double precision."""
        if self.count == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(sums)
        return sums.tolist()

    def share(self, tensors: Iterable[torch.Tensor]):
        """Overwrite these tensors with the first process's, everywhere."""
        if self.count > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)

    def interleaved(self, own: torch.Tensor, length: int) -> torch.Tensor:
        """Rows 0 to `length` - 1 on every process; process r has computed r, r + count, ...

        No row is counted twice, whether or not `count` divides `length`.
        """
        if self.count == 1:
            return own
        parts = [own] * self.count  # all are replaced
        distributed.all_gather_object(parts, own)
        rows = parts[0].new_empty((length, *parts[0].shape[1:]))
        for number, part in enumerate(parts):
            if len(part):
                rows[number :: self.count] = part
        return rows


def launch(function: Callable, settings: dict, *arguments):
    """Call `function(rank, settings, *arguments)` in every process of a job, and wait for them.

    There are `processes` of them by settings["compute"]. GPUs are claimed for as long as it takes:
    of two jobs that want the same one, the second waits. Where the memory of a GPU does not
    suffice, the function is called again with half the settings["training"]["micro_batch"]; it has
    to go on from its snapshots itself.

    Raises:
        ValueError: if there are fewer GPUs than processes, or a single clip is too large for one.
    """
    with _devices(settings["compute"]["processes"]) as devices:
        while True:
            try:
                return _call(function, devices, settings, arguments)
            except torch.OutOfMemoryError as error:
                settings = _halved(settings, str(error))
            # An optimiser may keep the exception, and with it the first network, in a cycle.
            gc.collect()
            torch.cuda.empty_cache()


def device_name(rank: Rank) -> str:
    name = torch.cuda.get_device_name(rank.device) if rank.device.type == "cuda" else "cpu"
    return name if rank.count == 1 else f"{rank.count} x {name}"


@contextmanager
def _devices(count: int) -> Iterator[list[torch.device]]:
    if not torch.cuda.is_available():
        yield [CPU] * count
        return
    visible = range(torch.cuda.device_count())
    names = [f"gpu-{torch.cuda.get_device_properties(number).uuid}" for number in visible]
    if count > len(names):
        raise ValueError(
            f"compute.processes: {count} needs as many GPUs, but this job sees {len(names)}"
        )
    with claimed(names, count) as numbers:
        yield [torch.device("cuda", number) for number in numbers]


def _call(function: Callable, devices: list[torch.device], settings: dict, arguments: tuple):
    if len(devices) == 1:
        _set_up(devices[0], settings["compute"])
        return function(Rank(device=devices[0]), settings, *arguments)
    with tempfile.TemporaryDirectory() as folder, without_main():
        meeting_point = f"file://{folder}/meeting-point"
        everything = (devices, meeting_point, function, settings, arguments)
        try:
            torch.multiprocessing.spawn(_process, everything, nprocs=len(devices))
        except torch.multiprocessing.ProcessExitedException as error:
            if error.exit_code != _OUT_OF_MEMORY:
                raise
            raise torch.OutOfMemoryError("in one of the processes") from None


def _process(number: int, devices, meeting_point: str, function, settings: dict, arguments):
    device = devices[number]
    _set_up(device, settings["compute"])
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=meeting_point,
        rank=number,
        world_size=len(devices),
        # Else NCCL guesses a GPU from the rank, which may be another job's.
        device_id=device if device.type == "cuda" else None,
    )
    try:
        function(Rank(number, len(devices), device), settings, *arguments)
    except torch.OutOfMemoryError:
        os._exit(_OUT_OF_MEMORY)  # the others wait for this one: they are ended by the parent
    distributed.destroy_process_group()


def _set_up(device: torch.device, compute: dict):
    """Threads, and on a GPU the choice between speed and the same bytes every time."""
    torch.set_num_threads(compute["threads"])
    if device.type != "cuda":
        return
    torch.cuda.set_device(device)
    deterministic = compute["deterministic"]
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    torch.set_float32_matmul_precision("highest" if deterministic else "high")


def _halved(settings: dict, reason: str) -> dict:
    micro_batch = settings["training"]["micro_batch"]
    if micro_batch == 1:
        raise ValueError(
            f"training.micro_batch: not even 1 clip at a time fits into the memory of the GPU "
            f"({reason}); take shorter clips, a smaller video.crop or a smaller network.body"
        )
    half = micro_batch // 2
    print(
        f"out of GPU memory with {micro_batch} clips at a time; going on with {half} from the last "
        f"epoch (training.micro_batch: {half} saves the attempt)",
        file=sys.stderr,
        flush=True,
    )
    return settings | {"training": settings["training"] | {"micro_batch": half}}
