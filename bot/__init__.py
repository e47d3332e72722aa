"""The assistant: understanding, triage, drafting, scenarios. Records in, records out."""
