//! The names that the network itself knows; all others are asked of the host's name servers.
//!
//! RFC 1035, section 4.

use crate::plan::GATEWAY;
use crate::wire::word;

/// The names of the host, whose services stand behind the gateway's address.
const HOST_NAMES: [&str; 2] = ["host.internal", "gateway.internal"];

const A: u16 = 1;
const INTERNET: u16 = 1;
const HEADER: usize = 12;
/// How long an answer may be kept.
const KEEP_S: u32 = 60;
/// `SERVFAIL`: the server could not answer.
const FAILED: u8 = 2;

/// A question: its name and type, and where it ends.
struct Question {
    name: String,
    kind: u16,
    class: u16,
    end: usize,
}

/// The answer to a question about a name of ours; none for all other names.
pub(crate) fn own(query: &[u8]) -> Option<Vec<u8>> {
    let question = question(query)?;
    if !HOST_NAMES.contains(&question.name.as_str()) || question.class != INTERNET {
        return None;
    }
    let mut out = reply(query, &question, 0)?;
    // There is an address of the fourth version, and nothing else.
    if question.kind == A {
        out[7] = 1;
        out.extend([0xc0, HEADER as u8]);
        out.extend(A.to_be_bytes());
        out.extend(INTERNET.to_be_bytes());
        out.extend(KEEP_S.to_be_bytes());
        out.extend([0, 4]);
        out.extend(GATEWAY.octets());
    }
    Some(out)
}

/// The answer of a server that knows nobody to ask.
pub(crate) fn failed(query: &[u8]) -> Option<Vec<u8>> {
    let question = question(query)?;
    reply(query, &question, FAILED)
}

/// A reply without answers.
fn reply(query: &[u8], question: &Question, code: u8) -> Option<Vec<u8>> {
    let mut out = query.get(..question.end)?.to_vec();
    // A response; whether recursion is wanted is repeated, and it is available.
    out[2] = 0x80 | query.get(2)? & 1;
    out[3] = 0x80 | code;
    out[6..HEADER].fill(0);
    Some(out)
}

/// The one question of a query.
fn question(query: &[u8]) -> Option<Question> {
    let standard = *query.get(2)? & 0xf8 == 0 && word(query, 4)? == 1;
    if !standard {
        return None;
    }
    let mut at = HEADER;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            let name = labels.join(".").to_ascii_lowercase();
            return Some(Question {
                name,
                kind: word(query, at)?,
                class: word(query, at + 2)?,
                end: at + 4,
            });
        }
        // Pointers have the top bits set, and a question has nothing to point to.
        if length > 63 || at > 255 + HEADER {
            return None;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).into_owned());
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut out = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            out.push(label.len() as u8);
            out.extend(label.bytes());
        }
        out.push(0);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out
    }

    #[test]
    fn names_of_the_host_are_answered_and_others_are_not() {
        let asked = query("Host.Internal", 1);
        let answer = own(&asked).expect("an answer");
        assert_eq!(answer[..8], [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1]);
        assert_eq!(answer[12..asked.len()], asked[12..]);
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2];
        assert_eq!(answer[asked.len()..], record);
        let six = own(&query("gateway.internal", 28)).expect("an empty answer");
        assert_eq!((six[7], six.len()), (0, 12 + 18 + 4));
        assert_eq!(own(&query("example.org", 1)), None);
        let failed = failed(&query("example.org", 1)).expect("a reply");
        assert_eq!(failed[2..4], [0x81, 0x82]);
    }

    #[test]
    fn what_is_no_question_has_no_answer() {
        let good = query("host.internal", 1);
        for cut in 0..good.len() {
            assert_eq!(own(&good[..cut]), None, "{cut}");
        }
        for (at, byte) in [(2, 0x80), (2, 0x28), (5, 2), (5, 0), (12, 0xc0), (12, 64)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(own(&bad), None, "{at} {byte}");
        }
    }
}
