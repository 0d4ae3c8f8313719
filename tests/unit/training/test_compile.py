import shutil

import pytest
import torch
from tiny import tiny_network, train, weights_of


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_a_compiled_network_learns_the_same(tmp_path):
    for compiled in (False, True):
        network = tiny_network(dropout=0.0)
        own = {"count": 4, "epochs": 1, "call": {"compiled": compiled}}  # a single step
        result = train(tmp_path / str(compiled), network=network, **own)
    plain, compiled = (weights_of(tmp_path / str(c), result) for c in (False, True))
    assert not torch.equal(plain["stem.conv.weight"], tiny_network().stem.conv.weight)
    torch.testing.assert_close(plain, compiled, rtol=1e-3, atol=1e-4)
