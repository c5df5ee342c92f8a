"""The rows: S1 to S18 are the page's sentences, S19 and later what has grown since; importing a module declares its rows."""
