"""What the article routes take and give, field by field."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from bot.channels import KINDS
from knowledge.catalogue import STANDINGS
from knowledge.languages import LANGUAGES


class ListQuery(Schema):
    q = fields.String(load_default="", validate=validate.Length(max=200))
    language = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))
    missing = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))
    category = fields.String(load_default="", validate=validate.Length(max=60))
    state = fields.String(load_default="active", validate=validate.OneOf(["active", "retired", "all"]))
    owner = fields.String(load_default="", validate=validate.Length(max=80))
    tag = fields.String(load_default="", validate=validate.Length(max=40))
    standing = fields.String(load_default="", validate=validate.OneOf(["", *STANDINGS]))
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))


class SearchQuery(Schema):
    q = fields.String(required=True, validate=validate.Length(1, 2000))
    language = fields.String(load_default=None, validate=validate.OneOf(LANGUAGES))
    audience = fields.String(load_default="public", validate=validate.OneOf(["public", "private"]))
    channel = fields.String(load_default="", validate=validate.Length(max=20))
    k = fields.Integer(load_default=5, validate=validate.Range(1, 20))


class LanguageBody(Schema):
    question = fields.String(required=True)
    variants = fields.List(fields.String(), load_default=list)
    answer = fields.String(load_default="")
    public = fields.String(load_default=None, allow_none=True)


STATES = ("draft", "in_review", "approved")
why = fields.String(load_default="", validate=validate.Length(max=400))


class WhyBody(Schema):
    why = why


class ArticleContent(Schema):
    category = fields.String(load_default="")
    languages = fields.Dict(keys=fields.String(), values=fields.Nested(LanguageBody), required=True)


class ArticleBody(ArticleContent):
    state = fields.String(load_default="approved", validate=validate.OneOf(STATES))
    why = why
    sources = fields.Dict(
        keys=fields.String(validate=validate.OneOf(LANGUAGES)),
        values=fields.String(validate=validate.OneOf(LANGUAGES)),
        load_default=dict,
    )
    """Which language each translation was made from."""


class NewArticleBody(ArticleBody):
    id = fields.String(required=True)


class EntrySchema(Schema):
    id = fields.String(required=True)
    category = fields.String(required=True)
    state = fields.String(required=True)
    revision = fields.Integer(required=True)
    updated_at = fields.AwareDateTime(required=True)
    questions = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    answered = fields.List(fields.String(), required=True)
    phrasings = fields.Integer(required=True)
    has_private = fields.Boolean(required=True)
    owner = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    review_at = fields.AwareDateTime(required=True, allow_none=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)
    valid_to = fields.AwareDateTime(required=True, allow_none=True)
    waiting = fields.List(fields.String(), required=True)
    written = fields.List(fields.String(), required=True)
    stale = fields.List(fields.String(), required=True)


class ListSchema(Schema):
    articles = fields.List(fields.Nested(EntrySchema), required=True)
    page = fields.Integer(required=True)
    pages = fields.Integer(required=True)
    total = fields.Integer(required=True)
    categories = fields.List(fields.String(), required=True)


class TextSchema(Schema):
    id = fields.Integer(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True)
    text = fields.String(required=True)
    written_by = fields.String(required=True)
    why = fields.String(required=True)
    four_eyes = fields.Boolean(required=True)


class SourceSchema(Schema):
    version = fields.Integer(required=True)
    language = fields.String(required=True)
    number = fields.Integer(required=True)


class VariantSchema(Schema):
    id = fields.Integer(required=True)
    language = fields.String(required=True)
    audience = fields.String(required=True)
    channel_kind = fields.String(required=True)
    current = fields.Nested(TextSchema, required=True, allow_none=True)
    open = fields.Nested(TextSchema, required=True, allow_none=True)
    source = fields.Nested(SourceSchema, required=True, allow_none=True)
    stale = fields.Boolean(required=True)


class AboutBody(Schema):
    owner = fields.String(load_default="")
    tags = fields.List(fields.String(), load_default=list)
    source_language = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(LANGUAGES))
    valid_from = fields.AwareDateTime(load_default=None, allow_none=True)
    valid_to = fields.AwareDateTime(load_default=None, allow_none=True)
    review_at = fields.AwareDateTime(load_default=None, allow_none=True)
    why = why


class VersionBody(Schema):
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    audience = fields.String(load_default="public", validate=validate.OneOf(["public", "private"]))
    channel_kind = fields.String(load_default="", validate=validate.OneOf(["", *KINDS]))
    text = fields.String(required=True)
    state = fields.String(load_default="approved", validate=validate.OneOf(STATES))
    translated_from = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 2**31 - 1))
    why = why


class MoveBody(Schema):
    to = fields.String(required=True, validate=validate.OneOf([*STATES, "retired"]))
    why = why


class PieceSchema(Schema):
    kind = fields.String(required=True)
    text = fields.String(required=True)


class DiffSchema(Schema):
    before = fields.Integer(required=True)
    after = fields.Integer(required=True)
    pieces = fields.List(fields.Nested(PieceSchema), required=True)


class EventSchema(Schema):
    id = fields.Integer(required=True)
    version_id = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    actor = fields.String(required=True)
    why = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class EventsSchema(Schema):
    events = fields.List(fields.Nested(EventSchema), required=True)


class ArticleSchema(ArticleContent):
    id = fields.String(required=True)
    state = fields.String(required=True)
    revision = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    owner = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    source_language = fields.String(required=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)
    valid_to = fields.AwareDateTime(required=True, allow_none=True)
    review_at = fields.AwareDateTime(required=True, allow_none=True)
    four_eyes = fields.Boolean(required=True)
    variants = fields.List(fields.Nested(VariantSchema), required=True)


class VersionSchema(Schema):
    id = fields.Integer(required=True)
    language = fields.String(required=True)
    audience = fields.String(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True)
    text = fields.String(required=True)
    written_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    channel_kind = fields.String(required=True)
    why = fields.String(required=True)
    approved_by = fields.String(required=True, allow_none=True)
    approved_at = fields.AwareDateTime(required=True, allow_none=True)
    translated_from = fields.Integer(required=True, allow_none=True)
    four_eyes = fields.Boolean(required=True)


class VersionsSchema(Schema):
    versions = fields.List(fields.Nested(VersionSchema), required=True)


class HitSchema(Schema):
    article = fields.String(required=True)
    category = fields.String(required=True)
    probability = fields.Float(required=True)
    language = fields.String(required=True)
    audience = fields.String(required=True)
    version = fields.Integer(required=True)
    number = fields.Integer(required=True)
    answer = fields.String(required=True)
    phrasing = fields.String(required=True)
    stale = fields.Boolean(required=True)
    exists_in = fields.List(fields.String(), required=True)
    """The languages it can be said in; where the asked one is not among them, `answer` is in another."""


class HitsSchema(Schema):
    hits = fields.List(fields.Nested(HitSchema), required=True)
    revision = fields.Integer(required=True)
    took_ms = fields.Float(required=True)


class TriedArticleBody(ArticleContent):
    id = fields.String(required=True)


class TryBody(Schema):
    text = fields.String(required=True, validate=validate.Length(1, 2000))
    language = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(LANGUAGES))
    article = fields.Nested(TriedArticleBody, required=True)


class PlaceSchema(Schema):
    article = fields.String(required=True)
    probability = fields.Float(required=True)
    phrasing = fields.String(required=True)


class TriedSchema(Schema):
    before = fields.List(fields.Nested(PlaceSchema), required=True)
    after = fields.List(fields.Nested(PlaceSchema), required=True)


class ViewBody(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 80))
    query = fields.String(required=True, validate=validate.Length(max=400))


class ViewSchema(ViewBody):
    id = fields.Integer(required=True)
