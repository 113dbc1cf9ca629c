"""A viewer of volumes that runs in the browser: its slices are sent once, and no step through them asks the server."""
