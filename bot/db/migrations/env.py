"""Run the migrations in the transaction of `bot.db.migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
