//! A short name for the versions of an object, so that two copies can be compared without sending them.

use domain::Object;

/// Equal for two copies of an object exactly if their registers have the same versions (up to a chance of 2^-64).
pub(crate) fn digest(object: &Object) -> u64 {
    let mut sum = 0x6a09_e667_f3bc_c908_u64;
    for (key, register) in &object.registers {
        for word in [
            u64::from(key.0),
            key.1,
            register.version.hlc.0,
            register.version.life.0,
        ] {
            sum = scramble(sum.rotate_left(5) ^ word);
        }
    }
    sum
}

/// The finalizer of SplitMix64: each bit of the input changes about half of the bits of the output.
fn scramble(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Hlc, Key, Kind, Life, Value, Version};

    #[test]
    fn copies_with_other_versions_have_other_digests() {
        let version = |hlc, life| Version {
            hlc: Hlc(hlc),
            life: Life(life),
        };
        let object = |hlc, life, key| {
            let mut object = Object::new(Kind::USER, None, None);
            object.set(Key::field(1), version(1, 1), Value::Null);
            object.set(key, version(hlc, life), Value::Null);
            object
        };
        let one = digest(&object(2, 1, Key::field(2)));
        assert_eq!(one, digest(&object(2, 1, Key::field(2))));
        for other in [
            object(3, 1, Key::field(2)),
            object(2, 2, Key::field(2)),
            object(2, 1, Key(2, 1)),
        ] {
            assert_ne!(one, digest(&other));
        }
    }
}
