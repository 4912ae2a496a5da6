"""The best insulators at one temperature: lowest κ first."""

from dashboard.rankings.page import show

show("insulators")
