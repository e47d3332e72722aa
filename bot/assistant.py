"""The assistant: a message in, everything it would propose out."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from bot import draft, language, phrasebook, privacy, sentences
from bot.intents import IntentsUnavailable
from bot.mood import mood
from bot.outlook import circumstances, look_ahead
from bot.policy import Policy
from bot.ports import IntentUnderstander, KnowledgeSearch
from bot.records import Intent, Nearest, Prepared, Request
from bot.scenarios import Playbook
from bot.stop import hold_to
from bot.thread import Place, place
from bot.triage import Facts, counting_intent, triage
from knowledge.hits import Hit
from knowledge.languages import LANGUAGES

MOST_NEAREST: Final = 3
_HITS: Final = 5
NOT_ASKED: Final = "no intent model is set up"


class Assistant:
    """Prepares messages. Holds no state of its own: the same message gives the same proposal."""

    def __init__(
        self,
        search: KnowledgeSearch,
        intents: IntentUnderstander | None,
        scenarios: Playbook,
        policy: Policy,
        threshold: float,
    ) -> None:
        """`threshold`: below this probability of the best hit no answer is drafted (0 to 1)."""
        self.search = search
        self.intents = intents
        self.scenarios = scenarios
        self.policy = policy
        self.threshold = threshold

    def warm_up(self) -> None:
        """Load the models that language detection, sentences and personal data need (some seconds); safe to repeat."""
        language.warm_up()
        for code in LANGUAGES:
            sentences.split("Ok. Ok.", code)
            phrasebook.phrases(code)
        privacy.find("+48 600 100 200", "pl")

    def prepare(self, request: Request, now: datetime | None = None) -> Prepared:
        """Understand, judge, draft and look ahead. `now` is for the waiting time; without it the thread's end is taken.

        Goes on without intents where they are unavailable, and says so in `intents_missing`.
        """
        started = time.perf_counter()
        where = place(request, now)
        spoken, before = self._languages(request, where)
        intents, missing, model = self._intents(request.text)
        hits = self._hits(request, spoken)
        facts = Facts(
            request=request,
            language=spoken,
            language_before=before,
            intents=intents,
            intents_missing=missing,
            hits=hits,
            threshold=self.threshold,
            mood=mood(request.text, spoken, self.policy.cues),
            findings=privacy.find(request.text, spoken),
            place=where,
        )
        intent = counting_intent(facts, self.policy)
        scenario = self.scenarios.choose(circumstances(facts, intent))
        verdict = hold_to(triage(facts, self.policy), scenario, facts)
        composed = draft.compose(facts, verdict, intent, self.policy)
        outlook = look_ahead(facts, scenario, intent)
        return Prepared(
            language=spoken,
            intents=intents,
            intents_missing=missing,
            triage=verdict,
            drafts=composed.drafts,
            abstained=not composed.drafts,
            reason=composed.reason,
            nearest=_nearest(hits),
            outlook=outlook,
            took_ms=(time.perf_counter() - started) * 1000,
            versions=self._versions(model),
        )

    def _languages(self, request: Request, where: Place) -> tuple[str, str | None]:
        """The message's language, and that of the same author's message before it (None: there is none, or unsure)."""
        author = where.target.author if where.target else request.author
        own = [m.text for m in where.earlier if m.role == "customer" and m.author == author]
        first = where.earlier[0].text if where.earlier else None
        earlier = language.detect(own[-1]) if own else None
        before = earlier.language if earlier and not earlier.ambiguous else None
        if request.language:
            return request.language, before
        hint = before or (language.detect(first).language if first else None)
        return language.detect(request.text, hint).language, before

    def _intents(self, text: str) -> tuple[tuple[Intent, ...], str | None, str | None]:
        if self.intents is None:
            return (), NOT_ASKED, None
        if not text.strip():
            return (), None, None
        try:
            parsed = self.intents.parse(text)
        except IntentsUnavailable as why:
            return (), str(why), None
        ranked = sorted(parsed.intents, key=lambda intent: -intent.probability)
        return tuple(Intent(i.name, i.probability) for i in ranked), None, parsed.model

    def _hits(self, request: Request, spoken: str) -> list[Hit]:
        if not request.text.strip():
            return []
        asked = None if spoken == "other" else spoken
        return self.search.search(
            request.text,
            language=asked,
            audience=request.audience,
            channel_kind=request.channel_kind,
            k=_HITS,
        )

    def _versions(self, model: str | None) -> dict[str, object]:
        return {
            "encoder": self.search.encoder_version,
            "knowledge": self.search.revision,
            "intents": model,
            "policy": self.policy.version,
            "scenarios": self.scenarios.version,
        }


def _nearest(hits: list[Hit]) -> tuple[Nearest, ...]:
    return tuple(Nearest(hit.article, hit.probability) for hit in hits[:MOST_NEAREST])
