"""Rasa graph components of Odzew, loaded by name from config.yml."""
