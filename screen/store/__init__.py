"""Where results live: artifacts on disk, one live database, published read-only snapshots."""
