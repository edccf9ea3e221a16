//! How debuggers know an architecture: the registers by the names that they use.

/// An architecture as debuggers know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Its name in the debugger (`riscv:rv64`).
    pub architecture: &'static str,
    /// Its registers in groups; the first group is sent as a whole, the others one by one.
    pub features: Vec<Feature>,
    /// Whether the debugger is told of watched memory before the access, and steps over it
    /// itself; else it expects to be told behind it.
    pub watches_before: bool,
}

/// A group of registers that debuggers know under a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feature {
    /// The name, as the debugger's manual has it (`org.gnu.gdb.riscv.cpu`).
    pub name: &'static str,
    /// The registers, in the order that it prescribes.
    pub registers: Vec<TargetRegister>,
}

/// A register as debuggers know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetRegister {
    /// The debugger's name.
    pub name: String,
    /// The name that `Frontend::register` knows it by.
    pub own: String,
    /// Its width in bits: 64 or fewer, in whole bytes.
    pub bits: u32,
    /// Its type in the debugger's words (`int`, `code_ptr`, `ieee_double`).
    pub kind: &'static str,
    /// The group it is shown with (`general`, `float`, `system`).
    pub group: &'static str,
}
