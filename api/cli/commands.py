"""All commands, put together."""

from __future__ import annotations

import typer

from api.cli import assistant, bench, channels, evaluate, knowledge, models, people, records, running

app = typer.Typer(
    name="odzew",
    help="Chatbot-assisted reply engine for social customer care.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (running, assistant):
    module.register(app)
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(models.app, name="models")
app.add_typer(models.train, name="train")
app.add_typer(people.users, name="users")
app.add_typer(people.tokens, name="tokens")
app.add_typer(channels.app, name="channels")
app.add_typer(records.audit, name="audit")
app.add_typer(records.privacy, name="privacy")
app.command("bench")(bench.bench)
