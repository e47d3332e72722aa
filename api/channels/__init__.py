"""The networks: signatures on the way in, outlets on the way out."""
