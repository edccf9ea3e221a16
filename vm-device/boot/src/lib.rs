//! Boot loaders: ELF, Image, containers, device tree, built-in firmware.
