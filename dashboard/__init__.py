"""Look at a campaign in the browser: reads published snapshots and artifacts, writes nothing."""
