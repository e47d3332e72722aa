"""What no database can hold is refused before any view sees it: NUL, half a surrogate pair, bottomless nesting."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from flask import request

from api.problems import Refused, invalid, not_found

_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def refuse_unstorable() -> None:
    """Look at the path, the query and a JSON body.

    Raises:
        Refused: 404 for the path, 422 for the query or the body, 400 for a body nested too deep to be read
            or with a number that is too long for it.
    """
    if _UNSTORABLE.search(request.path):
        raise not_found("address")
    if any(_UNSTORABLE.search(part) for pair in request.args.items(multi=True) for part in pair):
        raise _bad_text()
    # Webhooks take their bytes as they come, and keep them.
    if request.is_json and request.path.startswith("/api/") and _holds_unstorable(_body()):
        raise _bad_text()


def _body() -> Any:
    """The JSON body; None where it is none, which the view itself will say."""
    try:
        return json.loads(request.get_data())
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    except RecursionError:
        raise Refused(400, "bad_json", "the body is nested too deep") from None
    except ValueError:
        raise Refused(400, "bad_json", "a number in the body has too many digits") from None


def _holds_unstorable(data: Any) -> bool:
    left = [data]
    while left:
        node = left.pop()
        if isinstance(node, str) and _UNSTORABLE.search(node):
            return True
        if isinstance(node, dict):
            left += [*node, *node.values()]
        elif isinstance(node, list):
            left += node
    return False


def _bad_text() -> Refused:
    return invalid("bad_text", "a text must not hold NUL or half a surrogate pair")
