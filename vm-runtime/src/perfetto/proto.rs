//! The few fields of Perfetto's trace format that are written here, as its public description
//! numbers them (`protos/perfetto/trace/*.proto`), in the wire format of protocol buffers.

/// Field numbers of the messages, by their names.
pub mod field {
    /// `Trace`.
    pub const PACKET: u32 = 1;
    /// `TracePacket`.
    pub const TIMESTAMP: u32 = 8;
    /// `TracePacket`.
    pub const TRUSTED_PACKET_SEQUENCE_ID: u32 = 10;
    /// `TracePacket`.
    pub const TRACK_EVENT: u32 = 11;
    /// `TracePacket`.
    pub const SEQUENCE_FLAGS: u32 = 13;
    /// `TracePacket`.
    pub const TRACK_DESCRIPTOR: u32 = 60;
    /// `TrackDescriptor`.
    pub const UUID: u32 = 1;
    /// `TrackDescriptor`.
    pub const NAME: u32 = 2;
    /// `TrackDescriptor`.
    pub const PROCESS: u32 = 3;
    /// `TrackDescriptor`.
    pub const PARENT_UUID: u32 = 5;
    /// `ProcessDescriptor`.
    pub const PID: u32 = 1;
    /// `ProcessDescriptor`.
    pub const PROCESS_NAME: u32 = 6;
    /// `TrackEvent`.
    pub const DEBUG_ANNOTATIONS: u32 = 4;
    /// `TrackEvent`.
    pub const TYPE: u32 = 9;
    /// `TrackEvent`.
    pub const TRACK_UUID: u32 = 11;
    /// `TrackEvent`.
    pub const EVENT_NAME: u32 = 23;
    /// `DebugAnnotation`.
    pub const STRING_VALUE: u32 = 6;
    /// `DebugAnnotation`.
    pub const ANNOTATION_NAME: u32 = 10;
}

/// What a track event is: the numbers of its type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// A slice begins.
    Begin = 1,
    /// The innermost slice of the track ends.
    End = 2,
    /// Something happens at a moment.
    Instant = 3,
}

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// What is written so far.
    pub bytes: Vec<u8>,
}

impl Message {
    /// A number.
    #[must_use]
    pub fn number(mut self, field: u32, value: u64) -> Self {
        self.varint(u64::from(field) << 3);
        self.varint(value);
        self
    }

    /// Text.
    #[must_use]
    pub fn text(self, field: u32, text: &str) -> Self {
        self.raw(field, text.as_bytes())
    }

    /// A message inside of this one.
    #[must_use]
    pub fn message(self, field: u32, inner: &Self) -> Self {
        self.raw(field, &inner.bytes)
    }

    fn raw(mut self, field: u32, bytes: &[u8]) -> Self {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
