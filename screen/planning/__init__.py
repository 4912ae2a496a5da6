"""What a campaign will cost: sizes, cost laws, totals, and the replay of its schedule."""
