"""The migrations, by revision; `bot.db.migrate` lists them."""
