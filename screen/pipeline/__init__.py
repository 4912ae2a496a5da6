"""The campaign: stages as data, walked on any cluster, collected by one driver."""
