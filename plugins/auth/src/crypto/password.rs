//! Password hashes: argon2id in its own text form, computed on threads of their own, as many at once as there are cores. A
//! request waits for its turn; beyond a length of the queue it is refused, so that nobody can fill the memory with logins.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Salt, SaltString},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

use super::Secrets;
use crate::{
    config::HashingConfig,
    error::{AuthError, Refusal},
};

/// Requests that may wait for each core.
const WAITING_PER_CORE: usize = 64;

/// Computes and checks hashes.
pub(crate) struct Hasher {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    /// A hash that no password fits: checked where there is none, so that it takes as long.
    dummy: String,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl Hasher {
    /// Takes the operator's parameters.
    ///
    /// # Errors
    /// `Configuration` when argon2 cannot have them.
    pub(crate) fn new(config: &HashingConfig, secrets: &Secrets) -> Result<Self, AuthError> {
        let params = Params::new(config.memory_kib, config.iterations, config.parallelism, None).map_err(|error| {
            AuthError::Configuration {
                message: format!("hashing of objectos.auth cannot be used: {error}"),
            }
        })?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = compute(&argon, &secrets.token(32), secrets.random())?;
        Ok(Self {
            argon,
            turns: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
            waiting_max: cores * WAITING_PER_CORE,
            dummy,
        })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub(crate) async fn hash(&self, password: &str, secrets: &Secrets) -> Result<String, AuthError> {
        let (argon, password, salt) = (self.argon.clone(), password.to_owned(), secrets.random());
        self.run(move || compute(&argon, &password, salt)).await?
    }

    /// Whether the password fits; without a hash it takes as long and says no.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, AuthError> {
        let known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or_else(|| self.dummy.clone()));
        let fits = self.run(move || fits(&password, &hash)).await?;
        Ok(fits && known)
    }

    /// Whether a hash was made with other parameters than new ones are.
    pub(crate) fn outdated(&self, hash: &str) -> bool {
        let current = self.argon.params();
        PasswordHash::new(hash).is_ok_and(|hash| {
            Params::try_from(&hash).map_or(true, |params| {
                params.m_cost() != current.m_cost()
                    || params.t_cost() != current.t_cost()
                    || params.p_cost() != current.p_cost()
            })
        })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AuthError> {
        let _place = Place::take(&self.waiting, self.waiting_max)?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| AuthError::Refused(Refusal::Busy))?;
        // The permit goes along: when the caller leaves, the core is still at work.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|error| AuthError::Internal(format!("a password hash was not computed: {error}")))
    }
}

/// A place in the queue; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Result<Self, AuthError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= max {
            return Err(AuthError::Refused(Refusal::Busy));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn compute(argon: &Argon2<'_>, password: &str, salt: [u8; 16]) -> Result<String, AuthError> {
    let failed = |error: argon2::password_hash::Error| AuthError::Internal(format!("argon2: {error}"));
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let salt = Salt::from(&salt);
    argon
        .hash_password(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(failed)
}

fn fits(password: &str, hash: &str) -> bool {
    // The parameters are those that the hash itself names.
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> (Hasher, Secrets) {
        let secrets = Secrets::new(b"ours");
        let config = HashingConfig {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
        };
        (Hasher::new(&config, &secrets).unwrap(), secrets)
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_alone() {
        let (hasher, secrets) = hasher();
        let hash = hasher.hash("correct horse", &secrets).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(hasher.verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("correct horsf", Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("correct horse", None).await.unwrap());
        assert_ne!(hash, hasher.hash("correct horse", &secrets).await.unwrap());
        assert!(!hasher.outdated(&hash));
        assert!(hasher.outdated(&hash.replace("m=64", "m=128")));
    }

    #[tokio::test]
    async fn nothing_of_a_long_password_is_left_out() {
        let (hasher, secrets) = hasher();
        let long = "a".repeat(100);
        let hash = hasher.hash(&long, &secrets).await.unwrap();
        assert!(!hasher.verify(&format!("{}b", &long[..99]), Some(hash)).await.unwrap());
    }

    #[test]
    fn the_queue_has_an_end() {
        let waiting = AtomicUsize::new(0);
        let first = Place::take(&waiting, 1).unwrap();
        assert!(Place::take(&waiting, 1).is_err());
        drop(first);
        assert!(Place::take(&waiting, 1).is_ok());
    }
}
