//! PCIe host bridge, configuration space, MSI-X.
