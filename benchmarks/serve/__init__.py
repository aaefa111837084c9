"""The server under load: what clients get, how soon, and what it leaves behind."""
