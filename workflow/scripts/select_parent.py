"""Choose the parent of one state and record why."""

import json
from pathlib import Path

from optplan.planning.selection import state_record
from optplan.study import State, distinct, graph, read_record

state = State.parse(snakemake.wildcards.state)
settings = snakemake.params.settings
sources = {read_record(path)["state"]: path for path in snakemake.input.get("records", [])}
_, skipped = distinct(graph(settings), state, sources)
record = state_record(
    state,
    [json.loads(Path(path).read_text()) for path in snakemake.input.knees],
    {name: read_record(path) for name, path in sources.items()},
    skipped,
    score=settings["knee"]["score"],
)
Path(snakemake.output[0]).write_text(json.dumps(record, indent=2) + "\n")
