"""Starting Python processes from within a script."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_main() -> Iterator[None]:
    """Hide where `__main__` came from: new processes would run the calling script again."""
    main = sys.modules["__main__"]
    own, names = vars(main), ("__file__", "__spec__")
    kept: dict[str, Any] = {name: own[name] for name in names if name in own}
    main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(kept)
