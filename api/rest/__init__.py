"""The JSON API, one module per subject. `api.web` registers every `blueprint` of them."""
