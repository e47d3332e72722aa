"""The words of the field as the reader sees them: one place from codes to sentences, for gettext to find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext as _

STATES: Final = {
    "new": _("new"),
    "triaged": _("triaged"),
    "needs_reply": _("needs a reply"),
    "watch": _("being watched"),
    "hide_proposed": _("hiding proposed"),
    "working": _("in work"),
    "waiting_customer": _("answered"),
    "waiting_internal": _("with a team"),
    "waiting_approval": _("waits for approval"),
    "moved_private": _("moved to private"),
    "reopened": _("reopened"),
    "resolved": _("resolved"),
    "no_reply": _("no reply needed"),
    "merged": _("merged"),
    "closed": _("closed"),
    "void": _("message deleted"),
}

OUTCOMES: Final = {
    "answer": _("Answer"),
    "answer_for_all": _("Answer for all"),
    "go_private": _("Move to private"),
    "hide": _("Hide"),
    "leave_to_community": _("Leave to the community"),
    "watch": _("Watch"),
    "none": _("No reply"),
}

STANCES: Final = {
    "answer": _("Answer"),
    "apologise": _("Apologise"),
    "ask": _("Ask"),
    "go_private": _("Move to private"),
    "thank": _("Thank"),
    "wait": _("Ask for patience"),
}

CHANNELS: Final = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "x": "X",
    "telegram": "Telegram",
    "vk": "VK",
    "mastodon": "Mastodon",
    "reddit": "Reddit",
    "chatwoot": "Chatwoot",
    "email": _("E-mail"),
    "webhook": _("Webhook"),
    "sandbox": _("Sandbox"),
}

LANGUAGE_WORDS: Final = {
    "pl": _("Polish"),
    "ru": _("Russian"),
    "it": _("Italian"),
    "cs": _("Czech"),
    "sq": _("Albanian"),
    "en": _("English"),
    "other": _("another language"),
}

TEAMS: Final = {
    "care": _("Customer care"),
    "billing": _("Billing"),
    "technical": _("Technical"),
    "sales": _("Sales"),
    "security": _("Security"),
    "retention": _("Retention"),
    "press": _("Press"),
}

INTENTS: Final = {
    "complaint": _("complaint"),
    "praise": _("praise"),
    "question": _("question"),
    "purchase_interest": _("wants to buy"),
    "outage_report": _("reports an outage"),
    "cancellation_threat": _("threatens to leave"),
    "request_person": _("asks for a person"),
    "personal_data_shared": _("shares personal data"),
    "abuse": _("abuse"),
    "spam": _("spam"),
    "follow_up": _("asks again"),
    "thanks": _("thanks"),
    "third_party_help": _("helps another customer"),
    "press_enquiry": _("press enquiry"),
    "off_topic": _("off topic"),
}

REASONS: Final = {
    "hit": _("an article fits"),
    "hit_overrules": _("an article fits in spite of the look of it"),
    "no_intents": _("intents are missing, judged by rules"),
    "intent_unsure": _("the intent is unsure"),
    "speaks_to_another": _("speaks to another customer"),
    "insult": _("insult"),
    "courtesy": _("thanks or praise only"),
    "question_without_hit": _("a question without an article"),
    "upset_without_hit": _("upset, and no article fits"),
    "foreign_link": _("a link to a foreign site"),
    "nothing_asked": _("nothing is asked"),
    "personal_data": _("personal data in the text"),
    "many_affected": _("many are affected"),
    "urgent_subject": _("an urgent subject"),
    "upset": _("upset"),
    "wide_reach": _("wide reach"),
    "waiting": _("has been waiting"),
    "returned": _("wrote again after an answer"),
    "scenario_stop": _("answered often enough in public, says the scenario"),
    "crowd": _("many people in the thread"),
    "preparation_failed": _("the assistant could not prepare it"),
}

SITUATIONS: Final = {
    "opening": _("The opening"),
    "others_join": _("Others join in"),
    "still_upset": _("Still upset"),
    "asks_when": _("Asks when"),
    "gives_data": _("Gives the data asked for"),
    "thanks": _("Says thanks"),
    "escalates": _("Escalates"),
    "threatens_to_leave": _("Threatens to leave"),
    "third_party_right": _("Another customer answers, rightly"),
    "third_party_wrong": _("Another customer answers, wrongly"),
    "troll": _("A troll joins"),
    "press": _("The press asks"),
    "edited_or_deleted": _("Edits or deletes the message"),
    "language_switch": _("Switches the language"),
    "silence": _("Silence"),
}

ABSTAINED: Final = {
    "stale_translation": _("The translation is older than its source, and policy withholds it."),
    "below_threshold": _("No article fits well enough."),
    "other_language": _("The message is in a language the assistant does not answer in."),
    "nothing_to_answer": _("Nothing in the message asks for an answer."),
    "not_in_language": _("The answer exists, but not in this language."),
    "empty_text": _("The message has no text."),
    "knowledge_empty": _("The knowledge base is empty."),
}

NOTES: Final = {
    "stale_translation": _("A translation whose source has changed since"),
    "shortened": _("Shortened to fit the channel: sentences left out"),
    "removed_personal_data": _("Personal data was taken out"),
    "said_before": _("We have said this in the thread before"),
}

NO_DRAFT: Final = _("The assistant has no draft for this message.")

NO_REPLY: Final = {
    "thanks_only": _("Thanks or praise: nothing to add"),
    "answered_elsewhere": _("Answered elsewhere already"),
    "community": _("Other customers have answered"),
    "off_topic": _("Not about us"),
    "spam": _("Spam"),
    "abuse": _("Abuse: silence is better"),
}

HIDE: Final = {
    "abuse": _("Abuse"),
    "spam": _("Spam"),
    "personal_data": _("Holds personal data"),
}

REJECT: Final = {
    "wrong_fact": _("A fact is wrong"),
    "wrong_article": _("Wrong article"),
    "outdated": _("Out of date"),
    "tone": _("Wrong tone"),
    "language": _("Bad language"),
    "incomplete": _("Incomplete"),
    "unsafe": _("Unsafe to say"),
    "other": _("Another reason"),
}

DECISIONS: Final = {
    "accepted": _("Accepted as drafted"),
    "edited": _("Sent after editing"),
    "written": _("Written by hand"),
    "rejected": _("Draft rejected"),
    "handed_off": _("Handed off"),
    "no_reply": _("No reply"),
    "hide": _("Hidden"),
}

PUBLICATIONS: Final = {
    "queued": _("waits to be sent"),
    "sending": _("is being sent"),
    "sent": _("sent"),
    "failed": _("could not be sent"),
    "uncertain": _("uncertain"),
    "retracted": _("taken back"),
}

REMOTE_STATES: Final = {
    "seen": "",
    "edited": _("edited"),
    "hidden": _("hidden"),
    "deleted": _("deleted by its author"),
    "restored": _("restored"),
}

VERSION_STATES: Final = {
    "draft": _("draft"),
    "in_review": _("in review"),
    "approved": _("approved"),
    "retired": _("retired"),
}

ARTICLE_STATES: Final = {"active": _("in use"), "retired": _("retired")}

STANDINGS: Final = {
    "draft": _("has a draft"),
    "in_review": _("waits for approval"),
    "stale": _("stale translation"),
    "due": _("past its review date"),
    "not_valid": _("outside its dates"),
}

_GROUPS: Final[Mapping[str, Mapping[str, Any]]] = {
    "state": STATES,
    "outcome": OUTCOMES,
    "stance": STANCES,
    "channel": CHANNELS,
    "language": LANGUAGE_WORDS,
    "team": TEAMS,
    "intent": INTENTS,
    "reason": REASONS | {f"intent_{name}": label for name, label in INTENTS.items()},
    "situation": SITUATIONS,
    "abstained": ABSTAINED,
    "no_reply": NO_REPLY,
    "hide": HIDE,
    "reject": REJECT,
    "decision": DECISIONS,
    "publication": PUBLICATIONS,
    "remote": REMOTE_STATES,
    "version": VERSION_STATES,
    "article": ARTICLE_STATES,
    "standing": STANDINGS,
}


def say(group: str, code: str | None) -> str:
    """The reader's word for a code; one that has none (a new rule, say) is shown as it is, made readable."""
    if not code:
        return ""
    known = _GROUPS[group].get(code)
    return str(known) if known is not None else code.replace("_", " ")


def sure(probability: float) -> str:
    """How sure a draft is, in a word."""
    if probability >= 0.9:
        return str(_("Very sure"))
    if probability >= 0.75:
        return str(_("Sure"))
    return str(_("Fairly sure")) if probability >= 0.5 else str(_("Unsure"))


def team(key: str | None, name: str) -> str:
    """A team as the reader calls it: the shipped teams are translated, others keep the name they were given."""
    known = TEAMS.get(key or "")
    return str(known) if known is not None else name


def reason_of(kind: str, reason: str) -> str:
    """A decision's reason: a word where it is one of ours, else what the person wrote."""
    group = {"rejected": "reject", "no_reply": "no_reply", "hide": "hide"}.get(kind)
    return say(group, reason) if group and reason in _GROUPS[group] else reason


def note(made: dict[str, Any]) -> str:
    """What a guard did to a draft, told to the agent."""
    known = NOTES.get(made["code"])
    sentence = str(known) if known is not None else str(made["code"]).replace("_", " ")
    return f"{sentence} ({made['detail']})" if made.get("detail") else sentence
