//! HVF, the hypervisor framework.

use crate::State;

/// Says that nothing here can use it yet.
pub(crate) fn ask() -> State {
    State::Refused {
        reason: "not supported by this program yet".to_owned(),
        advice: "guests are interpreted",
    }
}
