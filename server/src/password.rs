//! Passwords: argon2id, hashed and checked on the blocking pool, a bounded number at a time.
//!
//! Parameters are those of the OWASP cheat sheet: 19 MiB, two passes, one lane. A check against a mailbox that does not exist
//! costs what a check against a real one costs.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Longest password that is looked at, in bytes.
pub const PASSWORD_LENGTH_MAX: usize = 256;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Checks that may wait for each one that runs; more are told to come again.
const WAITING_PER_RUNNING: usize = 32;

/// Too many passwords are being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at once")]
pub struct Busy;

/// Hashes and checks passwords; cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    running: Arc<Semaphore>,
    queued: Arc<Semaphore>,
    nobody: Arc<str>,
}

impl Hasher {
    /// At most `at_once` at a time; 0: as many as there are processors.
    pub fn new(at_once: usize) -> Self {
        let at_once = match at_once {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            queued: Arc::new(Semaphore::new(
                at_once.saturating_mul(WAITING_PER_RUNNING + 1),
            )),
            nobody: hash_blocking("", crate::clock::random()).into(),
        }
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, password: String) -> Result<String, Busy> {
        self.run(move |_| hash_blocking(&password, crate::clock::random()))
            .await
    }

    /// Whether the password is right. Without a hash it is wrong, after the same time.
    pub async fn verify(&self, password: String, phc: Option<String>) -> Result<bool, Busy> {
        self.run(move |nobody| match phc {
            Some(phc) => verify_blocking(&password, &phc),
            None => {
                // Not optimised away: its time is what it is for.
                std::hint::black_box(verify_blocking(&password, nobody));
                false
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&str) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let _queued = self.queued.try_acquire().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Busy)?;
        let nobody = Arc::clone(&self.nobody);
        // The permit goes along, so that a client that hangs up does not make room for one more hash than there may be.
        let result = tokio::task::spawn_blocking(move || {
            let result = f(&nobody);
            drop(permit);
            result
        });
        result.await.map_err(|_| Busy)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("constant parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The PHC string of a password. Takes some tens of milliseconds of one processor.
pub fn hash_blocking(password: &str, salt: [u8; 16]) -> String {
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hash.expect("argon2 hashes any password with a salt of 16 bytes")
        .to_string()
}

/// Whether a password fits a PHC string, compared in constant time. What is not a PHC string fits nothing.
pub fn verify_blocking(password: &str, phc: &str) -> bool {
    let fits = |hash: PasswordHash| argon2().verify_password(password.as_bytes(), &hash).is_ok();
    password.len() <= PASSWORD_LENGTH_MAX && PasswordHash::new(phc).is_ok_and(fits)
}

/// Whether a text is the PHC string of an argon2id hash.
pub fn is_hash(text: &str) -> bool {
    PasswordHash::new(text)
        .is_ok_and(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits() {
        let phc = hash_blocking("7200-words", [7; 16]);
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && is_hash(&phc));
        assert!(verify_blocking("7200-words", &phc));
        assert!(!verify_blocking("7200-word", &phc));
        assert!(!verify_blocking("7200-words", "not a hash") && !is_hash("not a hash"));
    }

    #[tokio::test]
    async fn nobody_has_no_password_not_even_the_empty_one() {
        let hasher = Hasher::new(1);
        assert_eq!(hasher.verify(String::new(), None).await, Ok(false));
        let phc = hasher.hash("1379".into()).await.unwrap();
        assert_eq!(hasher.verify("1379".into(), Some(phc)).await, Ok(true));
    }

    #[tokio::test]
    async fn what_is_too_much_is_turned_away() {
        let hasher = Hasher::new(1);
        let _all = hasher.queued.try_acquire_many(33).unwrap();
        assert_eq!(hasher.verify("x".into(), None).await, Err(Busy));
    }
}
