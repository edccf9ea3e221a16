//! Boots of real guests.
