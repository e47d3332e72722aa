"""What the article routes take and give, field by field."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from knowledge.languages import LANGUAGES


class ListQuery(Schema):
    q = fields.String(load_default="", validate=validate.Length(max=200))
    language = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))
    missing = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))
    category = fields.String(load_default="", validate=validate.Length(max=60))
    state = fields.String(load_default="active", validate=validate.OneOf(["active", "retired", "all"]))
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


class ArticleBody(Schema):
    category = fields.String(load_default="")
    languages = fields.Dict(keys=fields.String(), values=fields.Nested(LanguageBody), required=True)


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


class ListSchema(Schema):
    articles = fields.List(fields.Nested(EntrySchema), required=True)
    page = fields.Integer(required=True)
    pages = fields.Integer(required=True)
    total = fields.Integer(required=True)
    categories = fields.List(fields.String(), required=True)


class ArticleSchema(ArticleBody):
    id = fields.String(required=True)
    state = fields.String(required=True)
    revision = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class VersionSchema(Schema):
    id = fields.Integer(required=True)
    language = fields.String(required=True)
    audience = fields.String(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True)
    text = fields.String(required=True)
    written_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


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


class HitsSchema(Schema):
    hits = fields.List(fields.Nested(HitSchema), required=True)
    revision = fields.Integer(required=True)
    took_ms = fields.Float(required=True)
