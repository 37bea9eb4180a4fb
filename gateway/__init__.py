"""The public entry point: authenticates, authorises, signs and forwards requests."""
