"""The sentences that the pages' scripts say, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from api.console.frame import blueprint


@blueprint.app_context_processor
def _context() -> dict[str, Any]:
    return {"texts": texts}


def texts() -> dict[str, str]:
    """Every sentence a script may show. `{name}` is filled in by the script."""
    return {
        "minute": _("min"),
        "hour": _("h"),
        "day": _("d"),
        "undo": _("Undo"),
        "undone": _("Taken back. Nothing was sent."),
        "will_be_sent": _("The reply goes out in {seconds} s."),
        "on_its_way": _("The reply is on its way."),
        "handed_off": _("Handed off."),
        "no_reply": _("Closed without a reply."),
        "hidden": _("Marked to be hidden."),
        "rejected": _("Draft rejected. Thank you, the article's keeper will see it."),
        "settled": _("Thank you. It is noted."),
        "translation_asked": _("Asked for. The keepers of the articles see it."),
        "retried": _("It is sent again."),
        "reopened": _("The case is back in the queue."),
        "released": _("You no longer hold this case."),
        "claimed_by": _("{name} is working on this case."),
        "claim_lost": _("Your hold on this case had run out. It is yours again: please send once more."),
        "case_closed": _("The case has been closed meanwhile."),
        "already_answered": _("Somebody has answered this message already."),
        "target_edited": _("The author has changed the message since you read it."),
        "target_deleted": _("The message has been deleted by its author."),
        "target_hidden": _("The message has been hidden on the network."),
        "new_messages": _("There are new messages under this one."),
        "evidence_changed": _("An article that this draft rests on has changed. Please check the text."),
        "too_late": _("Too late: the reply has gone out already."),
        "too_long": _("The text is too long for this channel."),
        "personal_data_in_public": _("The text holds personal data, and it would be public."),
        "empty_text": _("The reply has no text."),
        "not_yours": _("Only the person who decided can take it back."),
        "bad_csrf": _("This page is too old. Please load it again; your text is kept."),
        "not_logged_in": _("You have been logged out. Log in again; your text is kept."),
        "forbidden": _("Your account does not have the right to do this."),
        "too_many": _("Too many requests. Please wait a moment."),
        "offline": _("No connection. Your text is kept; please try again."),
        "failed": _("That did not work."),
        "length": _("{length} of {most}"),
        "over": _("{over} too many"),
        "live": _("New messages have come in. Your text is kept."),
        "no_next": _("That was the last case in this list."),
    }
