"""Re-encode every video of the split for quick random access."""

from pathlib import Path

from tqdm import tqdm

from optplan.locks import held
from optplan.video.index import read_table, write_table
from optplan.video.prepare import prepare_videos

name = snakemake.wildcards.experiment
split = read_table(snakemake.input.split)
output = Path(snakemake.output[0])
work = output.parent / "work"
work.mkdir(exist_ok=True)
with (
    held(work / "prepared.lock"),
    tqdm(total=len(split), desc=f"{name}: prepare", mininterval=5) as bar,
):
    prepared = prepare_videos(
        split,
        snakemake.input.root,
        output.with_suffix(""),
        short_side=snakemake.params.short_side,
        workers=snakemake.resources.cpus_per_task,
        timeout_seconds=snakemake.params.timeout_seconds,
        decoder=snakemake.params.decoder,
        journal=work / "prepared.jsonl",
        progress=lambda done, total: bar.update(done - bar.n),
    )
write_table(prepared, output)
