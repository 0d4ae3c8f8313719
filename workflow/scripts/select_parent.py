"""Choose the parent of one state and record why."""

import json
from pathlib import Path

from optplan.files import write_json
from optplan.planning.selection import state_record, unexplored_record
from optplan.study import State, contenders, read_record

state = State.parse(snakemake.wildcards.state)
settings = snakemake.params.settings
files = {read_record(path)["state"]: path for path in snakemake.input.get("records", [])}
trained, skipped = contenders(settings, state, files)
if trained:
    record = state_record(
        state,
        [json.loads(Path(path).read_text()) for path in snakemake.input.knees],
        {name: read_record(path) for name, path in files.items()},
        skipped,
        score=settings["knee"]["score"],
    )
else:
    record = unexplored_record(state, skipped)
write_json(record, snakemake.output[0])  # jobs that train count the records meanwhile
