"""The functions as they are deployed, run in containers on one machine."""
