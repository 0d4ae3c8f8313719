"""Average the scores of two experiments on the same test videos (Table 7)."""

from optplan.files import write_json
from optplan.training.fusion import fuse_scores

write_json(fuse_scores(snakemake.input), snakemake.output[0])
