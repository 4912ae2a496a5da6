"""Python environments of potentials that exclude each other: made, found, asked."""
