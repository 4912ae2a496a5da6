"""The page that holds conductivities against their references."""
