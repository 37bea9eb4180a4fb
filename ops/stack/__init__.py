"""The embedded stack: real servers from wheels and the services beside them, started and watched by one process."""
