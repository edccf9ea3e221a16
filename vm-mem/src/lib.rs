//! Guest physical memory, software TLB, dirty and code tracking.
