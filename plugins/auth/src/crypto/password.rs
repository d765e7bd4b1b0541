//! Password hashes: argon2id in its own text form, computed on threads of their own, as many at once as there are cores. A
//! request waits for its turn; beyond a length of the queue it is refused, so that nobody can fill the memory with logins. While
//! others wait, the memory of one hash goes on to the next: to get it from the system and to clear it costs a third of a hash.

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{self, Ident, Output, ParamsString, Salt, SaltString},
};
use std::sync::{
    Arc, Mutex, PoisonError,
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
    memory: Arc<Memory>,
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
        let memory = Arc::new(Memory::default());
        let dummy = compute(&argon, &memory, &secrets.token(32), secrets.random())?;
        memory.clear();
        Ok(Self {
            argon,
            turns: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
            waiting_max: cores * WAITING_PER_CORE,
            memory,
            dummy,
        })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub(crate) async fn hash(&self, password: &str, secrets: &Secrets) -> Result<String, AuthError> {
        let (argon, password, salt) = (self.argon.clone(), password.to_owned(), secrets.random());
        self.run(move |memory| compute(&argon, memory, &password, salt)).await?
    }

    /// Whether the password fits; without a hash it takes as long and says no.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, AuthError> {
        let known = hash.is_some();
        let (password, hash) = (password.to_owned(), hash.unwrap_or_else(|| self.dummy.clone()));
        let fits = self.run(move |memory| fits(memory, &password, &hash)).await?;
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

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Memory) -> T + Send + 'static) -> Result<T, AuthError> {
        let _place = Place::take(self)?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| AuthError::Refused(Refusal::Busy))?;
        // The permit goes along: when the caller leaves, the core is still at work.
        let memory = Arc::clone(&self.memory);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&memory)
        })
        .await
        .map_err(|error| AuthError::Internal(format!("a password hash was not computed: {error}")))
    }
}

/// A place in the queue; given back when dropped, and with the last one the memory.
struct Place<'a>(&'a Hasher);

impl<'a> Place<'a> {
    fn take(hasher: &'a Hasher) -> Result<Self, AuthError> {
        let place = Self(hasher);
        if hasher.waiting.fetch_add(1, Ordering::Relaxed) >= hasher.waiting_max {
            return Err(AuthError::Refused(Refusal::Busy));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.memory.clear();
        }
    }
}

/// Memory of hashes that are done, for those that wait.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    /// Runs `work` with at least so many blocks.
    fn with<T>(&self, count: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let mut blocks = self.lock().pop().unwrap_or_default();
        blocks.resize(blocks.len().max(count), Block::default());
        let done = work(&mut blocks);
        self.lock().push(blocks);
        done
    }

    fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash itself.
fn digest(
    argon: &Argon2<'_>,
    memory: &Memory,
    password: &str,
    salt: Salt<'_>,
    length: usize,
) -> password_hash::Result<Output> {
    let mut buffer = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut buffer)?;
    Output::init_with(length, |out| {
        let count = argon.params().block_count();
        memory
            .with(count, |blocks| {
                argon.hash_password_into_with_memory(password.as_bytes(), salt, out, blocks)
            })
            .map_err(Into::into)
    })
}

fn compute(argon: &Argon2<'_>, memory: &Memory, password: &str, salt: [u8; 16]) -> Result<String, AuthError> {
    let failed = |error: password_hash::Error| AuthError::Internal(format!("argon2: {error}"));
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let length = argon.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let hash = digest(argon, memory, password, salt.as_salt(), length).map_err(failed)?;
    let hash = PasswordHash {
        algorithm: Ident::from(Algorithm::Argon2id),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon.params()).map_err(failed)?,
        salt: Some(salt.as_salt()),
        hash: Some(hash),
    };
    Ok(hash.to_string())
}

fn fits(memory: &Memory, password: &str, hash: &str) -> bool {
    let check = || {
        let known = PasswordHash::new(hash).ok()?;
        // The parameters are those that the hash itself names.
        let algorithm = Algorithm::try_from(known.algorithm).ok()?;
        let version = known.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let argon = Argon2::new(algorithm, version, Params::try_from(&known).ok()?);
        let expected = known.hash?;
        let found = digest(&argon, memory, password, known.salt?, expected.len()).ok()?;
        // Outputs are compared in constant time.
        Some(found == expected)
    };
    check().unwrap_or_default()
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
        let (mut hasher, _) = hasher();
        hasher.waiting_max = 1;
        let first = Place::take(&hasher).unwrap();
        assert!(Place::take(&hasher).is_err());
        drop(first);
        assert!(Place::take(&hasher).is_ok());
    }

    #[test]
    fn memory_goes_on_to_the_next_and_is_let_go_with_the_last() {
        let (hasher, _) = hasher();
        let places = [Place::take(&hasher).unwrap(), Place::take(&hasher).unwrap()];
        hasher.memory.with(8, |blocks| assert_eq!(blocks.len(), 8));
        hasher.memory.with(4, |blocks| assert_eq!(blocks.len(), 8));
        let [first, last] = places;
        drop(first);
        assert_eq!(hasher.memory.lock().len(), 1);
        drop(last);
        assert_eq!(hasher.memory.lock().len(), 0);
    }
}
