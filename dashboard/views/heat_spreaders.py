"""The best heat spreaders at one temperature: highest κ first."""

from dashboard.rankings.page import show

show("heat-spreaders")
