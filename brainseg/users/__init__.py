"""Who uses a server: signing in, roles, what each role may do, limits for each person, and the audit log."""
