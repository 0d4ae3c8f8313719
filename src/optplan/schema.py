"""The configuration against its JSON Schema: each mistake is a ValueError that says what is right.

The message names the key, the value and what was probably meant. Never imports torch.
"""

import math
from collections.abc import Sequence
from difflib import get_close_matches

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend


def _is_integer(checker, value) -> bool:
    # JSON Schema takes 16.0 for an integer; but it is none as a length, or in a folder's name.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker, value) -> bool:
    return _is_integer(checker, value) or (isinstance(value, float) and not math.isnan(value))


_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def check_schema(config: dict, schema: dict, where: str):
    """ValueError for the first thing in `config` that `schema` does not allow.

    `where` is the place of `config` in the file: empty, or a dotted path that ends in a dot.
    """
    errors = sorted(_Validator(schema).iter_errors(config), key=lambda error: list(error.path))
    if errors:
        path = ".".join(str(part) for part in errors[0].path)
        key = (where + path).rstrip(".") or "the top level"
        raise ValueError(f"configuration: {key}{_reason(errors[0])}")


def _reason(error: ValidationError) -> str:
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = sorted(map(str, set(error.instance) - set(known)))
        named = ", ".join(name + hint(name, known) for name in unknown)
        return f" has no key {named}; allowed: {', '.join(known)}"
    number = _meant_number(error)
    if number is None:
        return f": {error.message}"
    return (
        f": {error.instance!r} is text for YAML, not a number; write {number} (no quotes; an "
        f"exponent needs a point and a sign, as in 1.0e-3)"
    )


def hint(name: str, known: Sequence[str]) -> str:
    """ "(did you mean ...?)" for a name that is not among the known ones, if one is like it."""
    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _meant_number(error: ValidationError) -> str | None:
    """The number that a text such as 1e-3 was meant to be, as YAML writes it; None if none was."""
    wanted = error.validator_value  # the name of a type, or several
    if error.validator != "type" or not ("number" in wanted or "integer" in wanted):
        return None
    try:
        value = float(error.instance) if isinstance(error.instance, str) else math.nan
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return yaml.safe_dump(int(value) if value.is_integer() else value).split()[0]
