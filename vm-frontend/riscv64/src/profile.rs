//! What the hart says of itself: the instruction set, in the words of device trees.

/// The instruction set of a hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Isa {
    /// The base instruction set (`riscv,isa-base`).
    pub base: &'static str,
    /// The extensions in canonical order (`riscv,isa-extensions`).
    pub extensions: &'static [&'static str],
    /// The largest paging mode (`mmu-type`).
    pub mmu: &'static str,
    /// The bytes of a cache block (`riscv,cbom-block-size` and its siblings).
    pub cache_block_bytes: u32,
    /// Ticks of `time` in a second (`timebase-frequency`).
    pub timebase_hz: u32,
    /// The range of address space identifiers, in bits.
    pub asid_bits: u32,
}

/// What this frontend implements: RVA22S64 without Zkt, and the extensions named.
///
/// Svade and Svadu both stand here: the page walk leaves accessed and dirty bits to software
/// until firmware says otherwise.
#[must_use]
pub const fn isa() -> Isa {
    Isa {
        base: "rv64i",
        extensions: &[
            "i",
            "m",
            "a",
            "f",
            "d",
            "c",
            "zicbom",
            "zicbop",
            "zicboz",
            "zicntr",
            "zicond",
            "zicsr",
            "zifencei",
            "zihintpause",
            "zihpm",
            "zawrs",
            "zfhmin",
            "zca",
            "zcb",
            "zcd",
            "zba",
            "zbb",
            "zbc",
            "zbs",
            "sstc",
            "svade",
            "svadu",
            "svinval",
            "svnapot",
            "svpbmt",
        ],
        mmu: "riscv,sv57",
        cache_block_bytes: crate::helpers::CACHE_BLOCK_BYTES as u32,
        timebase_hz: (1_000_000_000 / crate::csr::TICK_NS) as u32,
        asid_bits: 16,
    }
}

impl Isa {
    /// The instruction set as one string (`riscv,isa`).
    #[must_use]
    pub fn string(&self) -> String {
        let mut text = String::from("rv64");
        for extension in self.extensions {
            if extension.len() > 1 {
                text.push('_');
            }
            text.push_str(extension);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_string_names_every_extension_in_order() {
        let expect = "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintpause_\
                      zihpm_zawrs_zfhmin_zca_zcb_zcd_zba_zbb_zbc_zbs_sstc_svade_svadu_svinval_\
                      svnapot_svpbmt";
        assert_eq!(isa().string(), expect);
        assert_eq!(
            (isa().timebase_hz, isa().cache_block_bytes),
            (10_000_000, 64)
        );
    }
}
