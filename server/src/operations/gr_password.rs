//! What a GR password has to be, and one that nobody guesses.
//!
//! It guards all that both servers send each other, and the sessions of all users, for as long as it holds. Whoever has recorded mail can try
//! passwords on it for years, without asking anybody. Each try costs 256 MiB and about a second; the rest is up to the password.

use crate::clock;

/// Fewest characters.
const LENGTH_MIN: usize = 12;
/// Most.
const LENGTH_MAX: usize = 256;
/// Fewest characters that differ.
const DIFFERENT_MIN: usize = 6;
/// Fewest bits that its length and the kinds of its characters can hold.
const BITS_MIN: f64 = 48.0;
/// Fewest characters beside words that everybody tries first.
const BESIDE_WORDS_MIN: usize = 8;
/// Those, in lower case.
const WORDS: [&str; 14] = [
    "password",
    "passwort",
    "callpilot",
    "secret",
    "geheim",
    "letmein",
    "welcome",
    "admin",
    "qwerty",
    "qwertz",
    "voicemail",
    "mailbox",
    "server",
    "replication",
];
/// Letters and digits that are not taken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// Characters of one that is made here: 130 bits.
const MADE_LENGTH: usize = 26;
/// Characters between two hyphens, so that it can be read out and typed.
const GROUP: usize = 4;

/// A password that nobody guesses.
pub fn generate() -> String {
    let random = clock::random::<MADE_LENGTH>();
    let mut made = String::with_capacity(MADE_LENGTH + MADE_LENGTH / GROUP);
    for (i, byte) in random.iter().enumerate() {
        if i > 0 && i % GROUP == 0 {
            made.push('-');
        }
        // 32 divides 256: each character is as likely as any other.
        made.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    made
}

/// What is wrong with a GR password of these two servers, and what to do.
///
/// # Errors
/// One sentence.
pub fn check(password: &str, servers: [&str; 2]) -> Result<(), String> {
    let count = password.chars().count();
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&count) {
        return Err(format!(
            "The GR password must have at least {LENGTH_MIN} characters, and at most {LENGTH_MAX}."
        ));
    }
    match weakness(password, servers) {
        None => Ok(()),
        Some(why) => Err(format!(
            "The GR password is easily guessed: {why}. Take four words that have nothing to do with each other, or let one be made by --generate."
        )),
    }
}

fn weakness(password: &str, servers: [&str; 2]) -> Option<&'static str> {
    let lower = password.to_lowercase();
    let chars: Vec<char> = lower.chars().collect();
    let mut different = chars.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return Some("it has few different characters");
    }
    if (1..=chars.len() / 2).any(|n| chars.iter().zip(&chars[n..]).all(|(a, b)| a == b)) {
        return Some("it repeats itself");
    }
    let step = |pair: &[char]| u32::from(pair[1]).abs_diff(u32::from(pair[0])) <= 1;
    let steps = chars.windows(2).filter(|pair| step(pair)).count();
    if steps * 2 > chars.len() {
        return Some("most of it is a sequence");
    }
    let names = servers
        .iter()
        .flat_map(|fqdn| [Some(*fqdn), fqdn.split('.').next()]);
    let mut beside = lower.clone();
    for known in names.flatten().chain(WORDS) {
        beside = beside.replace(&known.to_lowercase(), "");
    }
    if beside.chars().count() < BESIDE_WORDS_MIN {
        return Some(
            "little of it is more than the name of a server or a word that everybody tries first",
        );
    }
    if bits(password) < BITS_MIN {
        return Some("it is short for the few kinds of characters in it");
    }
    None
}

/// What a password of this length and these kinds of characters can hold at most.
fn bits(password: &str) -> f64 {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let kinds: [(bool, u32); 4] = [
        (has(|c| c.is_ascii_digit()), 10),
        (has(|c| c.is_ascii_lowercase()), 26),
        (has(|c| c.is_ascii_uppercase()), 26),
        (has(|c| !c.is_ascii_alphanumeric()), 33),
    ];
    let alphabet: u32 = kinds
        .iter()
        .filter(|(there, _)| *there)
        .map(|(_, size)| size)
        .sum();
    password.chars().count() as f64 * f64::from(alphabet).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVERS: [&str; 2] = ["cp-north.example.net", "cp-south.example.net"];

    #[test]
    fn what_is_made_is_taken_and_no_two_are_alike() {
        let (one, other) = (generate(), generate());
        assert_ne!(one, other);
        assert_eq!(one.len(), MADE_LENGTH + (MADE_LENGTH - 1) / GROUP);
        assert_eq!(check(&one, SERVERS), Ok(()));
    }

    #[test]
    fn what_is_easily_guessed_is_refused_and_says_why() {
        for (weak, why) in [
            ("short", "at least 12"),
            ("aaaaaaaaaaaaaaaa", "few different"),
            ("abcxyzabcxyzabcxyz", "repeats itself"),
            ("1234567890123", "a sequence"),
            ("abcdefghijklmnop", "a sequence"),
            ("987654321fedcba", "a sequence"),
            ("callpilot-password", "everybody tries first"),
            ("CP-North.example.net2026", "name of a server"),
            ("730194826153", "few kinds"),
        ] {
            let said = check(weak, SERVERS).unwrap_err();
            assert!(said.contains(why), "{weak}: {said}");
        }
        assert!(check(&"xyz1".repeat(100), SERVERS).is_err());
        for good in [
            "correct horse",
            "tests of the pair 8642",
            "another one 1357",
            "Grüne Kühe schlafen nie",
        ] {
            assert_eq!(check(good, SERVERS), Ok(()), "{good}");
        }
    }
}
