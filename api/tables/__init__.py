"""The application's tables. Importing this package registers every table of every room."""

import knowledge.exchange.tables
import knowledge.index.tables
import knowledge.tables
import training.tables
from api.tables.accounts import Account, AccountRole, ApiToken, LoginSession, Team
from api.tables.conversations import (
    Case,
    Channel,
    ChannelSecret,
    Conversation,
    Customer,
    Identity,
    InboundEvent,
    Message,
    MessageRevision,
    Participant,
)
from api.tables.decisions import Decision, DeliveryAttempt, Handoff, Publication, SandboxPost
from api.tables.findings import BoardRun, Finding
from api.tables.history import Audit, Event
from api.tables.preparation import Draft, Preparation, Work
from api.tables.tasks import Task

__all__ = [
    "Account", "AccountRole", "ApiToken", "Audit", "BoardRun", "Case", "Channel", "ChannelSecret", "Conversation",
    "Customer", "Decision", "DeliveryAttempt", "Draft", "Event", "Finding", "Handoff", "Identity", "InboundEvent",
    "LoginSession", "Message", "MessageRevision", "Participant", "Preparation", "Publication", "SandboxPost",
    "Task", "Team", "Work", "knowledge", "training",
]  # fmt: skip
