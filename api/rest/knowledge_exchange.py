"""Import and export over the API: upload and plan, import, undo, download."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from werkzeug.datastructures import FileStorage

from api.knowledge_uploads import Upload, Uploads
from api.problems import invalid
from api.rest.access import need, needs, workspace
from knowledge.exchange import FORMATS, SUFFIXES, Report, export_base, imports
from knowledge.languages import LANGUAGES

blueprint = Blueprint("knowledge_exchange", __name__, url_prefix="/api/knowledge", description="Import and export")


class FileSchema(Schema):
    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class HowSchema(Schema):
    format = fields.String(load_default="", validate=validate.OneOf(["", *FORMATS]))
    language = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))


class AgreedSchema(Schema):
    digest = fields.String(required=True, validate=validate.Length(max=64))
    skip_refused = fields.Boolean(load_default=False)


class UndoSchema(Schema):
    rest = fields.Boolean(load_default=False)


class ExportQuery(Schema):
    format = fields.String(load_default="jsonl", validate=validate.OneOf(list(SUFFIXES)))


class PlanSchema(Schema):
    upload = fields.String()
    name = fields.String()
    format = fields.String(required=True)
    read = fields.Integer(required=True)
    fates = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    rows = fields.List(fields.Dict(), required=True)
    remarks = fields.List(fields.String(), required=True)
    ignored_fields = fields.List(fields.String(), required=True)
    digest = fields.String(required=True)
    stored = fields.Boolean(required=True)
    import_ = fields.Integer(attribute="import", data_key="import", allow_none=True)


class ImportSchema(Schema):
    id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    by = fields.String(required=True)
    source = fields.String(required=True)
    format = fields.String(required=True)
    state = fields.String(required=True)
    counts = fields.Dict(required=True)
    articles = fields.Integer(required=True)
    undone = fields.Integer(required=True)
    undone_at = fields.AwareDateTime(allow_none=True)
    undone_by = fields.String(allow_none=True)


class ImportsSchema(Schema):
    imports = fields.List(fields.Nested(ImportSchema), required=True)


class UndoneSchema(Schema):
    restored = fields.List(fields.String(), required=True)
    removed = fields.List(fields.String(), required=True)
    blocked = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


@blueprint.route("/uploads", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(FileSchema, location="files")
@blueprint.arguments(HowSchema, location="form")
@blueprint.response(201, PlanSchema)
def upload_articles(files: dict[str, Any], how: dict[str, str]) -> dict[str, Any]:
    """Send a file and learn what importing it would do to every row. Nothing is stored in the base yet."""
    file = files["file"]
    if not isinstance(file, FileStorage):
        raise invalid("no_file", "send the file as a file")
    upload = uploads().keep(file, by=need("knowledge").name, **how)
    return plain_report(upload, uploads().plan(upload))


@blueprint.route("/uploads/<token>", methods=["GET"])
@needs("knowledge")
@blueprint.response(200, PlanSchema)
def show_plan(token: str) -> dict[str, Any]:
    """What importing an uploaded file would do now."""
    upload = uploads().find(token)
    return plain_report(upload, uploads().plan(upload))


@blueprint.route("/uploads/<token>/import", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(AgreedSchema)
@blueprint.response(200, PlanSchema)
def import_articles(body: dict[str, Any], token: str) -> dict[str, Any]:
    """Import an uploaded file as planned. 409 `plan_changed` where the base has changed, 422 `rows_refused`."""
    upload = uploads().find(token)
    return plain_report(upload, uploads().carry_out(upload, by=need("knowledge").name, **body))


@blueprint.route("/imports", methods=["GET"])
@needs("read")
@blueprint.response(200, ImportsSchema)
def list_imports() -> dict[str, Any]:
    """What was imported, the newest first."""
    with workspace().database.read() as session:
        return {"imports": [asdict(one) for one in imports(session)]}


@blueprint.route("/imports/<int:number>/undo", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(UndoSchema)
@blueprint.response(200, UndoneSchema)
def undo_import(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Undo an import. 409 `edited_since` with a reason for each article; `rest` undoes the others."""
    return asdict(uploads().undo(number, by=need("knowledge").name, rest=body["rest"]))


@blueprint.route("/export", methods=["GET"])
@needs("read")
@blueprint.arguments(ExportQuery, location="query")
@blueprint.response(200, content_type="application/octet-stream")
def export_articles(query: dict[str, str]) -> Response:
    """The base as one file."""
    return download(query["format"])


def uploads() -> Uploads:
    """The uploads of this application's workspace."""
    return Uploads(workspace())


def download(kind: str) -> Response:
    """The base in a format, as a file to be saved."""
    name = f"knowledge{SUFFIXES[kind]}"  # type: ignore[index]
    with tempfile.TemporaryDirectory(prefix="odzew-export-") as folder:
        path = Path(folder) / name
        export_base(workspace().database, path, format=kind)
        content = path.read_bytes()
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def plain_report(upload: Upload, report: Report) -> dict[str, Any]:
    """A report as plain data, without where the file lies here."""
    plain = report.as_dict()
    held = uploads()
    for row in plain["rows"]:
        row["file"] = held.shown(upload, row["file"])
        row["reason"] = held.shown(upload, row["reason"])
    plain["remarks"] = [held.shown(upload, said) for said in plain["remarks"]]
    return {**plain, "upload": upload.token, "name": upload.name}
