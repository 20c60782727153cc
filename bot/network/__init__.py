"""What connections to Slack and Genesys Cloud share: proxies, network errors and server clocks."""
