//! The judge: a child process that is traced, and executes one instruction at a time.
#![expect(unsafe_code, reason = "fork, ptrace and shared memory; see UNSAFETY")]
// UNSAFETY: the judge is the host's processor, which is reached by system calls only. The child
// shares two mappings with this process and makes nothing but plain system calls after `fork`.

use std::io::{Error, Result};
use std::ptr::null_mut;

use libc::{c_int, c_void, pid_t, user_regs_struct};

use crate::state::{CODE, DATA, DATA_BYTES, Ended, FLAGS, INSN, PAGE, State};

/// Bit 1 is always set, and interrupts are on.
const FIXED_FLAGS: u64 = 0x202;

/// A traced child.
pub struct Native {
    child: pid_t,
    regs: user_regs_struct,
}

/// Maps pages at a fixed place, shared with children.
fn map(addr: u64, bytes: u64) -> Result<()> {
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the place is free, or the call fails.
    let at = unsafe { libc::mmap(addr as *mut c_void, bytes as usize, rights, flags, -1, 0) };
    if at as u64 == addr {
        Ok(())
    } else {
        Err(Error::last_os_error())
    }
}

/// What the child does: it asks to be traced and stops, for good.
fn child() -> ! {
    // SAFETY: plain system calls, which is all that is permitted after `fork`; the code page is
    // this process's own mapping.
    unsafe {
        let rights = libc::PROT_READ | libc::PROT_EXEC;
        let code = libc::mprotect(CODE as *mut c_void, PAGE as usize, rights);
        let null = null_mut::<c_void>();
        if code != 0 || libc::ptrace(libc::PTRACE_TRACEME, 0, null, null) != 0 {
            libc::_exit(1);
        }
        libc::kill(libc::getpid(), libc::SIGSTOP);
        libc::_exit(2)
    }
}

impl Native {
    /// Starts the child; an error if this system does not permit it.
    pub fn new() -> Result<Self> {
        map(CODE, PAGE)?;
        map(DATA, DATA_BYTES)?;
        // SAFETY: see UNSAFETY.
        let pid = unsafe { libc::fork() };
        match pid {
            0 => child(),
            -1 => return Err(Error::last_os_error()),
            _ => {}
        }
        // SAFETY: the struct is plain numbers.
        let regs = unsafe { std::mem::zeroed() };
        let mut native = Self { child: pid, regs };
        let signal = native.wait()?;
        if signal != libc::SIGSTOP {
            return Err(Error::other(format!(
                "the child stopped by signal {signal}"
            )));
        }
        let regs = &raw mut native.regs;
        native.trace(libc::PTRACE_GETREGS, regs.cast())?;
        Ok(native)
    }

    fn trace(&self, request: u32, data: *mut c_void) -> Result<()> {
        // SAFETY: the child is stopped and `data` is what the request wants.
        let result = unsafe { libc::ptrace(request, self.child, null_mut::<c_void>(), data) };
        if result == -1 {
            Err(Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Waits until the child stops; the signal.
    fn wait(&self) -> Result<c_int> {
        let mut status = 0;
        // SAFETY: the status is this function's own.
        let pid = unsafe { libc::waitpid(self.child, &raw mut status, libc::__WALL) };
        if pid != self.child {
            return Err(Error::last_os_error());
        }
        if !libc::WIFSTOPPED(status) {
            return Err(Error::other(format!(
                "the child ended with status {status:#x}"
            )));
        }
        Ok(libc::WSTOPSIG(status))
    }

    /// Executes the instruction, if it ends by itself.
    pub fn step(&mut self, code: &[u8], state: &mut State) -> Result<Ended> {
        assert!(code.len() < 64 && state.data.len() == DATA_BYTES as usize);
        // SAFETY: the pages are mapped for reading and writing in this process, nobody has
        // references into them, and the child is stopped.
        unsafe {
            (INSN as *mut u8).copy_from_nonoverlapping(code.as_ptr(), code.len());
            (DATA as *mut u8).copy_from_nonoverlapping(state.data.as_ptr(), state.data.len());
        }
        self.put(state);
        let regs = (&raw mut self.regs).cast::<c_void>();
        self.trace(libc::PTRACE_SETREGS, regs)?;
        self.trace(libc::PTRACE_SINGLESTEP, null_mut())?;
        let signal = self.wait()?;
        self.trace(libc::PTRACE_GETREGS, regs)?;
        self.take(state);
        // SAFETY: as above.
        unsafe {
            (DATA as *const u8).copy_to_nonoverlapping(state.data.as_mut_ptr(), state.data.len());
        }
        match signal {
            libc::SIGTRAP => Ok(Ended::Done),
            libc::SIGFPE => Ok(Ended::Divide),
            libc::SIGILL => Ok(Ended::Invalid),
            libc::SIGSEGV | libc::SIGBUS => Ok(Ended::Memory),
            other => Err(Error::other(format!("signal {other}"))),
        }
    }

    fn put(&mut self, state: &State) {
        let r = &mut self.regs;
        let general = [
            &mut r.rax, &mut r.rcx, &mut r.rdx, &mut r.rbx, &mut r.rsp, &mut r.rbp, &mut r.rsi,
            &mut r.rdi, &mut r.r8, &mut r.r9, &mut r.r10, &mut r.r11, &mut r.r12, &mut r.r13,
            &mut r.r14, &mut r.r15,
        ];
        for (reg, value) in general.into_iter().zip(state.general) {
            *reg = value;
        }
        r.rip = state.rip;
        r.eflags = state.flags | FIXED_FLAGS;
        [r.fs_base, r.gs_base] = state.bases;
        // No system call is to be started again.
        r.orig_rax = u64::MAX;
    }

    fn take(&self, state: &mut State) {
        let r = &self.regs;
        state.general = [
            r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11,
            r.r12, r.r13, r.r14, r.r15,
        ];
        state.rip = r.rip;
        state.flags = r.eflags & FLAGS;
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: the child is this struct's own and was not waited for to its end.
        unsafe {
            libc::kill(self.child, libc::SIGKILL);
            libc::waitpid(self.child, &raw mut status, libc::__WALL);
        }
    }
}
