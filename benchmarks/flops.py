"""What the networks cost: multiply-adds and parameters, ours beside the paper's.

    OMP_NUM_THREADS=1 python benchmarks/flops.py [--bodies BODY ...] [--frames T] [--size H]
        [--classes K] [--blocks {A,ABC}]

Prints a Markdown table. Nothing is computed but shapes; it takes seconds and no memory to speak of.
Published figures are those of Table 8, for ResNet-101 where the network has such a body.
"""

import argparse
import csv
from itertools import product
from pathlib import Path

from optplan.networks.cost import network_cost

PUBLISHED = Path(__file__).parents[1] / "config" / "published" / "table8_gflops.csv"
TITLES = {"p3d": "P3D", "g_p3d": "G-P3D", "dg_p3d": "DG-P3D", "i3d": "I3D"}
BODIES = ("resnet18", "resnet34", "resnet50", "resnet101")
OTHER_BODIES = {  # as Table 7 names them
    "I3D": "BN-Inception",
    "R(2+1)D": "custom",
    "LGD-3D": "ResNet-101",
    "SlowFast": "ResNet-101+NL",
}
PAPER_FRAMES, PAPER_SIZE = 64, 256
NOTES = """\
- Global context: two FCs a block cost next to nothing ({context:+.3%}); the paper counts +3.5%.
- Table 7 prints 108 GFLOPs for DG-P3D with ResNet-50 (ours {fifty:.1f}) and 218 with ResNet-101. No
  input gives both: frames and size change both alike. The ratio is {ratio:.2f} here, 2.02 there."""


def published() -> dict[str, float]:
    """GFLOPs of Table 8 by network."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return {row["network"]: float(row["gflops"]) for row in csv.DictReader(file)}


def table(bodies=BODIES, *, blocks: str = "A", frames: int, size: int, classes: int) -> list[str]:
    """Lines of the Markdown table, with notes if all that they speak of is in it.

    The paper's figures are left out for clips of another shape than the paper's.
    """
    paper = published() if (frames, size) == (PAPER_FRAMES, PAPER_SIZE) else {}
    rows = [
        ("network", "body", "GFLOPs, ours", "GFLOPs, paper", "difference", "parameters, ours"),
        ("---",) * 6,
    ]
    gflops = {}
    for (name, title), body in product(TITLES.items(), bodies):
        kinds = "A" if name == "i3d" else blocks
        cost = network_cost(name, body, blocks=kinds, frames=frames, size=size, num_classes=classes)
        gflops[name, body] = cost.gflops
        theirs = difference = ""
        if title in paper and title not in OTHER_BODIES and body == "resnet101":
            theirs, difference = f"{paper[title]:g}", f"{cost.gflops / paper[title] - 1:+.1%}"
        ours, parameters = f"{cost.gflops:.1f}", f"{cost.parameters / 1e6:.1f} M"
        shown = body.replace("resnet", "ResNet-")
        rows.append((title, shown, ours, theirs, difference, parameters))
    rows += [(t, body, "", f"{paper[t]:g}", "", "") for t, body in OTHER_BODIES.items() if paper]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [*lines, *notes(gflops)] if paper and {"resnet50", "resnet101"} <= {*bodies} else lines


def notes(gflops: dict[tuple[str, str], float]) -> list[str]:
    """What of the paper cannot be reproduced, from our GFLOPs by network and body."""
    fifty, hundred = gflops["dg_p3d", "resnet50"], gflops["dg_p3d", "resnet101"]
    context = gflops["g_p3d", "resnet101"] / gflops["p3d", "resnet101"] - 1
    return ["", *NOTES.format(context=context, fifty=fifty, ratio=hundred / fifty).splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", nargs="+", default=BODIES, help="such as resnet50")
    parser.add_argument("--frames", type=int, default=PAPER_FRAMES)
    parser.add_argument("--size", type=int, default=PAPER_SIZE, help="side of the square clip")
    parser.add_argument("--classes", type=int, default=400)
    parser.add_argument("--blocks", default="A", help="A or ABC")
    print("\n".join(table(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
