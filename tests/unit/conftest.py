import pytest


@pytest.fixture
def one_thread():
    """The machine's other cores are left to others while a test computes."""
    import torch  # most tests here do without

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
