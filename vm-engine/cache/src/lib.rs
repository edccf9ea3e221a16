//! The memory that host code lives in.
