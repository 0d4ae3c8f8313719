"""Two drawings of one thing have the same bytes."""


def assert_reproducible(folder, draw):
    """The dot in the name must survive: it is a name, not a suffix."""
    draw(folder / "first" / "figure.v1")
    draw(folder / "second" / "figure.v1")
    for suffix, magic in ((".pdf", b"%PDF"), (".png", b"\x89PNG")):
        first = (folder / "first" / f"figure.v1{suffix}").read_bytes()
        assert first.startswith(magic)
        assert first == (folder / "second" / f"figure.v1{suffix}").read_bytes()
