"""The search for settings: ranges checked against the schema, and an Optuna study that proposes the next trial."""
