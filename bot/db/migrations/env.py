"""Run the migrations on the connection that `bot.db.migrate` hands over; its transaction is theirs."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
