import pytest
from running import Workflow


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Workflow:
    """The tiny study, run without a disturbance; tests leave its files as they are."""
    workflow = Workflow(tmp_path_factory.mktemp("finished"))
    workflow.check()
    return workflow
