"""The first tables.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from knowledge.database import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_token_prefix")),
    )
    op.create_table(
        "article",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", UTCDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active','retired')", name=op.f("ck_article_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object", sa.String(length=120), nullable=False),
        sa.Column("object_sha256", sa.String(length=64), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("outlet", sa.String(length=20), nullable=False),
        sa.Column("idempotency", sa.String(length=10), nullable=False),
        sa.Column("publish_url", sa.String(length=500), nullable=False),
        sa.Column("readback_url", sa.String(length=500), nullable=False),
        sa.Column("brand_author", sa.String(length=200), nullable=False),
        sa.Column("reply_minutes", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("idempotency IN ('key','none')", name=op.f("ck_channel_idempotency")),
        sa.CheckConstraint("outlet IN ('sandbox','webhook','none')", name=op.f("ck_channel_outlet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("key", name=op.f("uq_channel_key")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("erased_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_customer_pseudonym")),
    )
    op.create_table(
        "embedding",
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("text_sha256", "model", name=op.f("pk_embedding")),
    )
    op.create_table(
        "example",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("intent", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("split", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("model_intent", sa.String(length=60), nullable=True),
        sa.Column("labelled_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("split IN ('train','held_out')", name=op.f("ck_example_split")),
        sa.CheckConstraint("state IN ('proposed','approved','withdrawn')", name=op.f("ck_example_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_example")),
        sa.UniqueConstraint("text_sha256", "language", name=op.f("uq_example_text_sha256_language")),
    )
    op.create_table(
        "knowledge_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_state")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("started_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.String(length=120), nullable=False),
        sa.Column("inputs", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('running','done','failed')", name=op.f("ck_run_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_table(
        "sandbox_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=60), nullable=False),
        sa.Column("thread_key", sa.String(length=200), nullable=False),
        sa.Column("parent_external_id", sa.String(length=60), nullable=True),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("by_brand", sa.Boolean(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("idem_key", sa.String(length=80), nullable=True),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_post")),
        sa.UniqueConstraint("external_id", name=op.f("uq_sandbox_post_external_id")),
        sa.UniqueConstraint("idem_key", name=op.f("uq_sandbox_post_idem_key")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("key", name=op.f("uq_team_key")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("initials", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_account_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
    )
    op.create_table(
        "channel_secret",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=120), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_channel_secret_channel_id_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_secret")),
    )
    op.create_table(
        "conversation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("thread_key", sa.String(length=200), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_conversation_channel_id_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("channel_id", "thread_key", name=op.f("uq_conversation_channel_id_thread_key")),
    )
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("followers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_identity_channel_id_channel")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_identity_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("channel_id", "external_id", name=op.f("uq_identity_channel_id_external_id")),
    )
    op.create_table(
        "model_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("report", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("promoted_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('candidate','refused','approved','retired')", name=op.f("ck_model_version_state")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_model_version_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_model_version_kind_name")),
    )
    op.create_table(
        "phrasing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_phrasing_article_id_article")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrasing")),
    )
    with op.batch_alter_table("phrasing", schema=None) as batch_op:
        batch_op.create_index("ix_phrasing_article_language", ["article_id", "language"], unique=False)

    op.create_table(
        "variant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("channel_kind", sa.String(length=20), nullable=False),
        sa.CheckConstraint("audience IN ('public','private')", name=op.f("ck_variant_audience")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_variant_article_id_article")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant")),
        sa.UniqueConstraint(
            "article_id",
            "language",
            "audience",
            "channel_kind",
            name=op.f("uq_variant_article_id_language_audience_channel_kind"),
        ),
    )
    op.create_table(
        "account_role",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "role IN ('agent','team_lead','knowledge_manager','trainer','admin')", name=op.f("ck_account_role_role")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_role_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "role", name=op.f("pk_account_role")),
    )
    op.create_table(
        "login_session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_login_session_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
    )
    op.create_table(
        "model_in_service",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("model_version_id", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.id"], name=op.f("fk_model_in_service_model_version_id_model_version")
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["model_version.id"], name=op.f("fk_model_in_service_previous_id_model_version")
        ),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_model_in_service")),
    )
    op.create_table(
        "participant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_participant_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name=op.f("fk_participant_identity_id_identity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint("conversation_id", "identity_id", name=op.f("uq_participant_conversation_id_identity_id")),
    )
    op.create_table(
        "version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("written_by", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("approved_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft','approved','retired')", name=op.f("ck_version_state")),
        sa.ForeignKeyConstraint(["variant_id"], ["variant.id"], name=op.f("fk_version_variant_id_variant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sa.UniqueConstraint("variant_id", "number", name=op.f("uq_version_variant_id_number")),
    )
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.create_index(
            "one_approved",
            ["variant_id"],
            unique=True,
            sqlite_where=sa.text("state = 'approved'"),
            postgresql_where=sa.text("state = 'approved'"),
        )

    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("previous_case_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("first_reply_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("closed_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("claim_token", sa.Integer(), nullable=False),
        sa.Column("claim_expires_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('new','triaged','needs_reply','no_reply','watch','hide_proposed','working','waiting_customer','waiting_internal','waiting_approval','moved_private','resolved','reopened','merged','closed','void')",
            name=op.f("ck_cases_state"),
        ),
        sa.ForeignKeyConstraint(["claimed_by"], ["account.id"], name=op.f("fk_cases_claimed_by_account")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_cases_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_cases_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_cases_participant_id_participant")
        ),
        sa.ForeignKeyConstraint(["previous_case_id"], ["cases.id"], name=op.f("fk_cases_previous_case_id_cases")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_cases_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index("ix_cases_queue", ["state", "priority"], unique=False)
        batch_op.create_index(
            "one_open_case",
            ["conversation_id", "participant_id"],
            unique=True,
            sqlite_where=sa.text("state NOT IN ('resolved','no_reply','merged','closed','void')"),
            postgresql_where=sa.text("state NOT IN ('resolved','no_reply','merged','closed','void')"),
        )

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("parent_external_id", sa.String(length=200), nullable=True),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("remote_state", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("posted_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("received_at", UTCDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "remote_state IN ('seen','edited','hidden','deleted','restored')", name=op.f("ck_message_remote_state")
        ),
        sa.CheckConstraint("role IN ('customer','brand')", name=op.f("ck_message_role")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_message_case_id_cases")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_message_channel_id_channel")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_message_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["message.id"], name=op.f("fk_message_parent_id_message")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_message_participant_id_participant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("channel_id", "external_id", name=op.f("uq_message_channel_id_external_id")),
        sa.UniqueConstraint("conversation_id", "seq", name=op.f("uq_message_conversation_id_seq")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_event_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_event_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_event_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_case", ["case_id"], unique=False)

    op.create_table(
        "inbound_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("external_event_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("raw_sha256", sa.String(length=64), nullable=False),
        sa.Column("effect", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("received_at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_inbound_event_channel_id_channel")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_inbound_event_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_event")),
        sa.UniqueConstraint(
            "channel_id", "external_event_id", name=op.f("uq_inbound_event_channel_id_external_event_id")
        ),
    )
    op.create_table(
        "message_revision",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_revision_message_id_message")),
        sa.PrimaryKeyConstraint("message_id", "revision", name=op.f("pk_message_revision")),
    )
    op.create_table(
        "preparation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("intents", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("intents_missing", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=True),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("abstain_reason", sa.String(length=400), nullable=True),
        sa.Column("nearest", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("outlook", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("versions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("took_ms", sa.Double(), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_preparation_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparation")),
        sa.UniqueConstraint("message_id", "revision", "number", name=op.f("uq_preparation_message_id_revision_number")),
    )
    op.create_table(
        "work",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", UTCDateTime(timezone=True), nullable=True),
        sa.Column("not_before", UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('queued','running','done','failed')", name=op.f("ck_work_state")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_work_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint("message_id", "revision", name=op.f("uq_work_message_id_revision")),
    )
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.create_index("ix_work_next", ["state", "not_before"], unique=False)

    op.create_table(
        "draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("preparation_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("target_revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("stance", sa.String(length=20), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("evidence", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("notes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("audience IN ('public','private')", name=op.f("ck_draft_audience")),
        sa.CheckConstraint(
            "stance IN ('answer','apologise','ask','go_private','thank','wait')", name=op.f("ck_draft_stance")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_draft_case_id_cases")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_draft_message_id_message")),
        sa.ForeignKeyConstraint(
            ["preparation_id"], ["preparation.id"], name=op.f("fk_draft_preparation_id_preparation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint(
            "preparation_id", "stance", "audience", name=op.f("uq_draft_preparation_id_stance_audience")
        ),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("login_session_id", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "publishes",
            sa.Integer(),
            sa.Computed("CASE WHEN kind IN ('accepted','edited','written') THEN 1 ELSE 0 END", persisted=True),
            nullable=False,
        ),
        sa.Column("final_text", sa.Text(), nullable=False),
        sa.Column("final_sha256", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("seconds_to_decide", sa.Double(), nullable=True),
        sa.Column("target_revision_seen", sa.Integer(), nullable=False),
        sa.Column("subtree_seq_seen", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("actor_kind = 'person'", name=op.f("ck_decision_actor_kind")),
        sa.CheckConstraint("audience IN ('public','private')", name=op.f("ck_decision_audience")),
        sa.CheckConstraint(
            "kind IN ('accepted','edited','written','rejected','handed_off','no_reply','hide')",
            name=op.f("ck_decision_kind"),
        ),
        sa.CheckConstraint("kind NOT IN ('accepted','edited') OR draft_id IS NOT NULL", name=op.f("ck_decision_draft")),
        sa.CheckConstraint(
            "kind NOT IN ('accepted','edited','written') OR length(final_text) > 0", name=op.f("ck_decision_final_text")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["account.id"], name=op.f("fk_decision_agent_id_account")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_decision_case_id_cases")),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("fk_decision_draft_id_draft")),
        sa.ForeignKeyConstraint(
            ["login_session_id"], ["login_session.id"], name=op.f("fk_decision_login_session_id_login_session")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_decision_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("id", "final_sha256", "publishes", name=op.f("uq_decision_id_final_sha256_publishes")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_decision_idempotency_key")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(
            "one_publish",
            ["message_id", "audience", "target_revision_seen"],
            unique=True,
            sqlite_where=sa.text("kind IN ('accepted','edited','written') AND revoked_at IS NULL"),
            postgresql_where=sa.text("kind IN ('accepted','edited','written') AND revoked_at IS NULL"),
        )

    op.create_table(
        "handoff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("summary", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_handoff_case_id_cases")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_handoff_decision_id_decision")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_handoff_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_handoff_decision_id")),
    )
    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("publishes", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("idem_key", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("needs_person", sa.Boolean(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("not_before", UTCDateTime(timezone=True), nullable=False),
        sa.Column("first_attempt_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'sent' OR external_id IS NOT NULL OR confirmed_by IS NOT NULL",
            name=op.f("ck_publication_sent_has_proof"),
        ),
        sa.CheckConstraint(
            "state IN ('queued','sending','sent','failed','uncertain','retracted')", name=op.f("ck_publication_state")
        ),
        sa.CheckConstraint("publishes = 1", name=op.f("ck_publication_publishes")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_publication_channel_id_channel")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["account.id"], name=op.f("fk_publication_confirmed_by_account")),
        sa.ForeignKeyConstraint(
            ["decision_id", "body_sha256", "publishes"],
            ["decision.id", "decision.final_sha256", "decision.publishes"],
            name="fk_publication_decision",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sa.UniqueConstraint("channel_id", "external_id", name=op.f("uq_publication_channel_id_external_id")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_publication_decision_id")),
        sa.UniqueConstraint("idem_key", name=op.f("uq_publication_idem_key")),
    )
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.create_index("ix_publication_next", ["state", "not_before"], unique=False)

    op.create_table(
        "delivery_attempt",
        sa.Column("publication_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("started_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("detail", sa.String(length=400), nullable=False),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('sent','not_sent','ambiguous')", name=op.f("ck_delivery_attempt_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=op.f("fk_delivery_attempt_publication_id_publication")
        ),
        sa.PrimaryKeyConstraint("publication_id", "attempt", name=op.f("pk_delivery_attempt")),
    )


def downgrade() -> None:
    op.drop_table("delivery_attempt")
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.drop_index("ix_publication_next")

    op.drop_table("publication")
    op.drop_table("handoff")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(
            "one_publish",
            sqlite_where=sa.text("kind IN ('accepted','edited','written') AND revoked_at IS NULL"),
            postgresql_where=sa.text("kind IN ('accepted','edited','written') AND revoked_at IS NULL"),
        )

    op.drop_table("decision")
    op.drop_table("draft")
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.drop_index("ix_work_next")

    op.drop_table("work")
    op.drop_table("preparation")
    op.drop_table("message_revision")
    op.drop_table("inbound_event")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_case")

    op.drop_table("event")
    op.drop_table("message")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(
            "one_open_case",
            sqlite_where=sa.text("state NOT IN ('resolved','no_reply','merged','closed','void')"),
            postgresql_where=sa.text("state NOT IN ('resolved','no_reply','merged','closed','void')"),
        )
        batch_op.drop_index("ix_cases_queue")

    op.drop_table("cases")
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.drop_index(
            "one_approved", sqlite_where=sa.text("state = 'approved'"), postgresql_where=sa.text("state = 'approved'")
        )

    op.drop_table("version")
    op.drop_table("participant")
    op.drop_table("model_in_service")
    op.drop_table("login_session")
    op.drop_table("account_role")
    op.drop_table("variant")
    with op.batch_alter_table("phrasing", schema=None) as batch_op:
        batch_op.drop_index("ix_phrasing_article_language")

    op.drop_table("phrasing")
    op.drop_table("model_version")
    op.drop_table("identity")
    op.drop_table("conversation")
    op.drop_table("channel_secret")
    op.drop_table("account")
    op.drop_table("team")
    op.drop_table("sandbox_post")
    op.drop_table("run")
    op.drop_table("knowledge_state")
    op.drop_table("example")
    op.drop_table("embedding")
    op.drop_table("customer")
    op.drop_table("channel")
    op.drop_table("audit")
    op.drop_table("article")
    op.drop_table("api_token")
