"""How fast the bot is beside its peers: `make bench`. No part of what is shipped."""
