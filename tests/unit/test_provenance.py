import hashlib
import json

from optplan.provenance import commit, provenance


def test_it_names_data_devices_and_what_training_took(tmp_path):
    data, run = tmp_path / "mine" / "data", tmp_path / "mine" / "seed-1"
    data.mkdir(parents=True)
    (data / "split.tsv").write_text("video\n")
    for number, device in enumerate(("cpu", "gpu"), start=1):
        folder = run / "strategies" / "planned" / str(number)
        folder.mkdir(parents=True)
        cost = {"epochs": number, "frames_trained": 10, "frames_evaluated": 5, "seconds": 2.5}
        (folder / "cost.json").write_text(json.dumps(cost | {"device": device}))
    study = {"study": "s", "experiments": {"mine": {"seeds": [1]}, "waiting": {}}}
    found = provenance(tmp_path, study)
    assert list(found["experiments"]) == ["mine"]
    mine = found["experiments"]["mine"]
    digest = hashlib.sha256(b"video\n").hexdigest()
    assert mine["data"] == {"split.tsv": f"sha256:{digest}"}
    assert (mine["devices"], mine["jobs"]) == (["cpu", "gpu"], 2)
    assert (mine["epochs"], mine["frames_trained"], mine["seconds"]) == (3, 20, 5.0)
    assert found["configuration"] == study
    assert {"optplan", "python", "torch", "snakemake"} <= found["versions"].keys()
    assert found["commit"] == commit() != ""
