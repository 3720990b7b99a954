"""Settings: one frozen dataclass per table of relay.toml, and the data lists rules need."""
