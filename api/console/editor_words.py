"""What the editor's scripts need to know and to say: the limits of each kind of channel, and sentences."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from api.console import words
from bot.channels import KINDS


def limits() -> list[dict[str, Any]]:
    """What each kind of channel takes, for the counters: `{name, public: [most, counter], private: ...}`."""
    return [
        {
            "name": str(words.say("channel", kind)),
            "public": [limits.public.most, limits.public.counter],
            "private": [limits.limit("private").most, limits.limit("private").counter],
        }
        for kind, limits in KINDS.items()
    ]


def sentences() -> dict[str, str]:
    """What the editor's script says."""
    said = {
        "saved": _("Saved. The search knows it in a second or two."),
        "unchanged": _("Nothing has changed."),
        "retired": _("Retired: it is not found any more."),
        "restored": _("The article is back."),
        "conflict": _(
            "Somebody has saved this article since you opened it. "
            "Both texts are put together; look at the marked fields, then save again."
        ),
        "both_changed": _("Both of you changed this. Theirs:"),
        "take_theirs": _("Take theirs"),
        "question_missing": _("This language needs a question."),
        "answer_missing": _("A public text needs the full answer beside it."),
        "id_missing": _("The article needs an id."),
        "language_missing": _("Write at least one language."),
        "id_taken": _("There is an article with this id already."),
        "bad_article": _("This cannot be stored:"),
        "characters": _("characters: {count}"),
        "too_long_for": _("too long for {channels}: later sentences are left out there"),
        "done": _("Done."),
        "waits": _("Saved. It is said once it is approved."),
        "own_text": _("Nobody approves a text of their own here: somebody else has to."),
        "reload": _("Somebody has changed the article meanwhile. Please load the page again."),
        "draft_takes_away": _("A draft cannot take a text away. Save it for good instead."),
        "now": _("Now"),
        "after": _("After this edit"),
        "nothing_found": _("Nothing found."),
        "waiting": _("The search by meaning is getting ready…"),
        "here": _("this article"),
        "is_dirty": _("not saved"),
        "is_has": _("answered"),
        "is_asks": _("no answer yet"),
        "is_missing": _("missing"),
    }
    return {name: str(sentence) for name, sentence in said.items()}
