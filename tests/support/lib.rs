//! Starts the real cloud for tests and development.
