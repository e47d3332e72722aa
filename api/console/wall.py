"""The sandbox wall: a friendly brand page on which anybody can be a customer and watch the answer appear."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from flask import render_template, request

from api import sandbox
from api.console.frame import blueprint
from api.problems import not_found
from api.rest.access import workspace
from api.web import limiter


@blueprint.get("/wall")
@limiter.exempt
def show_wall() -> str:
    """The newest public threads; with `?part=feed` only these."""
    found = sandbox.threads(workspace().database)
    # The demo's other networks send their replies here too; without the customer's post they make no sense on a wall.
    started = [each for each in found if not all(post["by_brand"] for post in each["posts"])]
    threads = [{"key": each["thread"], "posts": in_order(each["posts"])} for each in started]
    private = "private" in request.args
    return _page(threads=[] if private else threads, thread=None, private=private)


@blueprint.get("/wall/<thread>")
@limiter.exempt
def show_wall_thread(thread: str) -> str:
    """One thread. A private one is shown to whoever knows its key, which cannot be guessed."""
    with workspace().database.read() as session:
        posts = sandbox.thread(session, thread)
    if not posts:
        raise not_found("thread on the wall")
    private = not posts[0]["public"]
    return _page(threads=[{"key": thread, "posts": in_order(posts)}], thread=thread, private=private)


def _page(**context: Any) -> str:
    template = "wall/_feed.html" if request.args.get("part") == "feed" else "wall/page.html"
    return render_template(template, **context)


def in_order(posts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The posts depth first, each with its depth."""
    known = {post["id"] for post in posts}
    children: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for post in posts:
        children[post["parent"] if post["parent"] in known else None].append(post)
    ordered: list[dict[str, Any]] = []
    waiting = [(post, 0) for post in reversed(children[None])]
    while waiting:
        post, depth = waiting.pop()
        ordered.append({**post, "depth": depth})
        waiting += [(child, depth + 1) for child in reversed(children[post["id"]])]
    return ordered
