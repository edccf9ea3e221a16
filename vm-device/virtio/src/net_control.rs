//! The orders that a driver gives a network card, and the filter they set.
//!
//! VIRTIO 1.3, section 5.1.6.5, "Control Virtqueue".

use vm_core::{Fields, Section, StateError};

use crate::net::{F_CTRL_MAC_ADDR, F_CTRL_RX};

/// `VIRTIO_NET_OK`.
pub(crate) const OK: u8 = 0;
/// `VIRTIO_NET_ERR`.
pub(crate) const ERR: u8 = 1;

/// `VIRTIO_NET_CTRL_RX`: which frames are received.
const RX: u8 = 0;
/// `VIRTIO_NET_CTRL_MAC`: the card's address, and those it listens to.
const MAC: u8 = 1;
const MAC_TABLE_SET: u8 = 0;
const MAC_ADDR_SET: u8 = 1;

/// The orders of section 5.1.6.5.1 that need no feature of their own: take all frames, and take
/// all groups.
const MODES: u8 = 2;
/// The bit of the receive mode that takes all frames.
const PROMISC: u8 = 1;

/// The most addresses in each table.
// LIMIT: a table is searched for each frame; a longer one means that all frames are taken.
const TABLE: usize = 64;

/// Which frames reach the driver.
///
/// Frames for a single address pass if it is the card's own or one of the driver's table, frames
/// for a group always, and all of them if the driver asks for all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Filter {
    mac: [u8; 6],
    mode: u8,
    unicast: Vec<[u8; 6]>,
    /// The driver's table was too long to be kept.
    any_unicast: bool,
}

impl Filter {
    /// The filter of a card after a reset: its own address and all groups.
    pub fn new(mac: [u8; 6]) -> Self {
        Self {
            mac,
            mode: 0,
            unicast: Vec::new(),
            any_unicast: false,
        }
    }

    /// Whether a frame is for the driver.
    pub fn accepts(&self, frame: &[u8]) -> bool {
        let Some(to) = frame.first_chunk::<6>() else {
            return false;
        };
        // Groups are not told apart: a driver gets more than it asked for, never less.
        let group = to[0] & 1 != 0;
        let own = *to == self.mac || self.any_unicast || self.unicast.contains(to);
        self.mode & PROMISC != 0 || group || own
    }

    pub fn save(&self, out: &mut Section) {
        out.bytes("filter_mac", &self.mac);
        out.u64("filter_mode", u64::from(self.mode));
        out.u64("filter_any", u64::from(self.any_unicast));
        out.bytes("filter_table", &self.unicast.concat());
    }

    pub fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let mac = from.bytes("filter_mac")?.try_into();
        self.mac = mac.map_err(|_| from.bad("filter_mac"))?;
        self.mode = from.below("filter_mode", 1 << MODES)? as u8;
        self.any_unicast = from.below("filter_any", 2)? != 0;
        let table = from.bytes("filter_table")?;
        let (addresses, rest) = table.as_chunks::<6>();
        if !rest.is_empty() || addresses.len() > TABLE {
            return Err(from.bad("filter_table"));
        }
        self.unicast = addresses.to_vec();
        Ok(())
    }

    /// Takes the tables of an order: two of them, each a count and so many addresses.
    fn set_tables(&mut self, bytes: &[u8]) -> Option<()> {
        let (unicast, rest) = table(bytes)?;
        let (_groups, rest) = table(rest)?;
        if !rest.is_empty() {
            return None;
        }
        self.any_unicast = unicast.len() > TABLE;
        self.unicast = unicast.get(..TABLE).unwrap_or(unicast).to_vec();
        Some(())
    }
}

/// The first table of an order, and what follows it.
fn table(bytes: &[u8]) -> Option<(&[[u8; 6]], &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (table, rest) = rest.split_at_checked(count.checked_mul(6)?)?;
    Some((table.as_chunks::<6>().0, rest))
}

/// Carries out one order; what is not known or not agreed on is refused.
pub(crate) fn answer(filter: &mut Filter, features: u64, order: &[u8], agreed: bool) -> u8 {
    let done = match (order, agreed) {
        ([RX, mode, on], true) if *mode < MODES && *on < 2 && features & F_CTRL_RX != 0 => {
            filter.mode = filter.mode & !(1 << mode) | on << mode;
            Some(())
        }
        ([MAC, MAC_TABLE_SET, tables @ ..], true) if features & F_CTRL_RX != 0 => {
            filter.set_tables(tables)
        }
        ([MAC, MAC_ADDR_SET, mac @ ..], true) if features & F_CTRL_MAC_ADDR != 0 => {
            mac.try_into().ok().map(|mac| filter.mac = mac)
        }
        _ => None,
    };
    if done.is_some() { OK } else { ERR }
}
