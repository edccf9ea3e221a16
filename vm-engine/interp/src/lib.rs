//! The threaded interpreter (T0): flat ops made from IR, block table, emulated vCPU.
