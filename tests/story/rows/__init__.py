"""The rows S1 to S18, in the order of the page; importing a module declares its rows."""
