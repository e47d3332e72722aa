"""A blueprint whose operations are named in the API's description: by their functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_smorest

View = Callable[..., Any]


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint, giving each operation its `operationId`."""

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for one method of a path."""
        register = super().route(rule, **options)

        def name(view: View) -> View:
            made: View = register(self.doc(operationId=view.__name__)(view))
            return made

        return name
