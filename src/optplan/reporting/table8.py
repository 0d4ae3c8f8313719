"""What the networks cost: Table 8."""

from optplan.reporting.layout import MEASURED, PUBLISHED, Table
from optplan.reporting.measured import published_record
from optplan.reporting.published import published_rows

NETWORKS = {"I3D": "i3d", "P3D": "p3d", "G-P3D": "g_p3d", "DG-P3D": "dg_p3d"}
BODY, FRAMES, SIZE, CLASSES = "resnet101", 64, 256, 400  # as in the paper


def table8(commit: str) -> Table:
    """GFLOPs of one clip, counted without computing anything; networks as the paper has them."""
    from optplan.networks.cost import network_cost  # brings torch along

    published = {row["network"]: row["gflops"] for row in published_rows("table8_gflops.csv")}
    table = Table(
        name="table8",
        title="Table 8: computational cost of the networks",
        header=["GFLOPs", "Source", *published],
        texts=2,
    )
    measured = {}
    for title, name in NETWORKS.items():
        cost = network_cost(name, BODY, frames=FRAMES, size=SIZE, num_classes=CLASSES)
        measured[title] = f"{cost.gflops:.1f}"
        record = {"row": "GFLOPs", "column": title, "source": MEASURED, "mean": cost.gflops}
        table.records.append(record | {"commit": commit})
    for source, values in ((PUBLISHED, published), (MEASURED, measured)):
        table.rows.append(["one clip", source, *(values.get(title, "") for title in published)])
    table.records += [
        published_record("GFLOPs", title, float(value)) for title, value in published.items()
    ]
    table.notes = [
        f"Multiply-adds of convolutions and linear layers, {FRAMES} frames of {SIZE} x {SIZE}; "
        "measured: ResNet-101 bodies. The paper's I3D has another body, BN-Inception."
    ]
    return table
