//! Every half there is, against doubles, in which all of this is exact.

use super::super::*;

const F: Format = Format::F16;

/// The value of a half, by the definition of the format.
fn value(bits: u64) -> f64 {
    let (biased, frac) = ((bits >> 10) & 31, (bits & 0x3ff) as f64);
    let magnitude = match biased {
        31 if frac == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        0 => frac * 2f64.powi(-24),
        _ => (frac + 1024.0) * 2f64.powi(biased as i32 - 25),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// An integral value by the host.
fn integral(value: f64, rm: Rounding) -> f64 {
    match rm {
        Rounding::NearestEven => value.round_ties_even(),
        Rounding::TowardZero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
        Rounding::NearestAway => value.round(),
    }
}

fn is_signalling(bits: u64) -> bool {
    value(bits).is_nan() && bits & 0x200 == 0
}

#[test]
fn widening_keeps_the_value() {
    for a in 0..=0xffff {
        let wide = convert(F, Format::F64, a, Rounding::Down, RISCV);
        let single = convert(F, Format::F32, a, Rounding::Up, RISCV);
        if value(a).is_nan() {
            let flags = Flags::NV.when(is_signalling(a));
            assert_eq!(
                wide,
                Out {
                    bits: 0x7ff8_0000_0000_0000,
                    flags
                },
                "{a:x}"
            );
            assert_eq!(
                single,
                Out {
                    bits: 0x7fc0_0000,
                    flags
                },
                "{a:x}"
            );
            continue;
        }
        assert_eq!(wide, Out::exact(value(a).to_bits()), "{a:x}");
        assert_eq!(
            single,
            Out::exact((value(a) as f32).to_bits().into()),
            "{a:x}"
        );
        for rm in Rounding::ALL {
            assert_eq!(
                convert(Format::F64, F, wide.bits, rm, RISCV),
                Out::exact(a),
                "{a:x}"
            );
            assert_eq!(
                convert(Format::F32, F, single.bits, rm, RISCV),
                Out::exact(a),
                "{a:x}"
            );
        }
    }
}

/// What a single a quarter, half or three quarters of the way from one half to the next becomes.
#[test]
fn narrowing_goes_to_a_neighbour() {
    for sign in [0, 0x8000] {
        for low in 0..0x7bff {
            let (a, b) = (value(low), value(low + 1));
            for quarters in 1..4 {
                let between = (a + (b - a) * f64::from(quarters) / 4.0) as f32;
                let single = u64::from(between.to_bits()) | (sign << 16);
                let even = low + (low & 1);
                for (rm, magnitude) in [
                    (Rounding::NearestEven, [low, even, low + 1]),
                    (Rounding::NearestAway, [low, low + 1, low + 1]),
                    (Rounding::TowardZero, [low; 3]),
                    (Rounding::Down, [low + u64::from(sign != 0); 3]),
                    (Rounding::Up, [low + u64::from(sign == 0); 3]),
                ]
                .map(|(rm, choices)| (rm, choices[quarters as usize - 1]))
                {
                    // With an unbounded exponent the last quarter below the smallest normal half is
                    // a tie, and rounds to that or stays below it with the result.
                    let reaches_normal = low == 0x3ff && quarters == 3 && magnitude == 0x400;
                    let bits = sign | magnitude;
                    for (rules, tiny) in [
                        (ARM64, low < 0x400),
                        (RISCV, low < 0x400 && !reaches_normal),
                    ] {
                        let want = Out {
                            bits,
                            flags: Flags::NX | Flags::UF.when(tiny),
                        };
                        let got = convert(Format::F32, F, single, rm, rules);
                        assert_eq!(got, want, "{single:x} {rm:?} {rules:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn classes() {
    for a in 0..=0xffff {
        let v = value(a);
        let normal = v.abs() >= 2f64.powi(-14) && v.abs() < f64::INFINITY;
        let from_sign = match v {
            _ if v.is_nan() => None,
            _ if v == 0.0 => Some((3, 4)),
            _ if v.is_infinite() => Some((0, 7)),
            _ if normal => Some((1, 6)),
            _ => Some((2, 5)),
        };
        let want = match from_sign {
            None => 9 - u32::from(is_signalling(a)),
            Some((negative, positive)) => {
                if a & 0x8000 == 0 {
                    positive
                } else {
                    negative
                }
            }
        };
        assert_eq!(classify(F, a), 1 << want, "{a:x}");
        assert_eq!(
            classify(F, a | 0xffff_ffff_ffff_0000),
            1 << want,
            "boxed {a:x}"
        );
    }
}

#[test]
fn integers() {
    for a in 0..=0xffff {
        let v = value(a);
        for rm in Rounding::ALL {
            let whole = integral(v, rm);
            let invalid = |low: f64, high: f64| !(low..=high).contains(&whole);
            let flags = |invalid: bool| {
                if invalid {
                    Flags::NV
                } else {
                    Flags::NX.when(whole != v)
                }
            };
            let to = |signed, bits| to_int(F, a, signed, bits, rm, Saturation::NanToZero);

            // The host's conversion saturates and makes zero of a NaN.
            let bad = flags(invalid(-32768.0, 32767.0));
            let want = Out {
                bits: (whole as i16 as u16).into(),
                flags: bad,
            };
            assert_eq!(to(true, 16), want, "{a:x} {rm:?}");
            let bad = flags(invalid(0.0, 65535.0));
            assert_eq!(
                to(false, 16),
                Out {
                    bits: (whole as u16).into(),
                    flags: bad
                },
                "{a:x}"
            );
            let bad = flags(invalid(f64::MIN, f64::MAX));
            let want = Out {
                bits: (whole as i32 as u32).into(),
                flags: bad,
            };
            assert_eq!(to(true, 32), want, "{a:x} {rm:?}");
            assert_eq!(
                to(true, 64),
                Out {
                    bits: whole as i64 as u64,
                    flags: bad
                },
                "{a:x}"
            );
            let bad = flags(invalid(0.0, f64::MAX));
            assert_eq!(
                to(false, 32),
                Out {
                    bits: (whole as u32).into(),
                    flags: bad
                },
                "{a:x}"
            );
            assert_eq!(
                to(false, 64),
                Out {
                    bits: whole as u64,
                    flags: bad
                },
                "{a:x}"
            );

            if v.is_nan() {
                continue;
            }
            let got = round_to_int(F, a, rm, true, RISCV);
            assert_eq!(value(got.bits).to_bits(), whole.to_bits(), "{a:x} {rm:?}");
            assert_eq!(got.flags, Flags::NX.when(whole != v), "{a:x} {rm:?}");
        }
    }
}

#[test]
fn roots() {
    for a in 0..=0xffff {
        let v = value(a);
        let root = v.sqrt();
        for rm in Rounding::ALL {
            let got = sqrt(F, a, rm, RISCV);
            if root.is_nan() {
                let flags = Flags::NV.when(!v.is_nan() || is_signalling(a));
                assert_eq!(
                    got,
                    Out {
                        bits: 0x7e00,
                        flags
                    },
                    "{a:x}"
                );
                continue;
            }
            let exact = value(got.bits).to_bits() == root.to_bits();
            assert_eq!(got.flags, Flags::NX.when(!exact), "{a:x} {rm:?}");
            if exact {
                continue;
            }
            // A double is close enough to an irrational root to tell its neighbours apart.
            let (below, above) = match value(got.bits) < root {
                true => (got.bits, got.bits + 1),
                false => (got.bits - 1, got.bits),
            };
            assert!(value(below) < root && root < value(above), "{a:x} {rm:?}");
            let nearer = if root - value(below) < value(above) - root {
                below
            } else {
                above
            };
            let want = match rm {
                Rounding::NearestEven | Rounding::NearestAway => nearer,
                Rounding::TowardZero | Rounding::Down => below,
                Rounding::Up => above,
            };
            assert_eq!(got.bits, want, "{a:x} {rm:?}");
        }
    }
}
