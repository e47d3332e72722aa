"""The ground floor: settings, database, articles and their life, embeddings and search."""
