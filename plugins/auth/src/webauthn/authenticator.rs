//! The authenticator's data (section 6.1): for whom, with what, how often; and the new key, where one was made.

use ring::digest::{SHA256, digest};

use super::{Fault, PublicKey, Result, cbor};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// What the authenticator says.
#[derive(Clone, Debug)]
pub(super) struct AuthenticatorData {
    party_hash: [u8; 32],
    user_present: bool,
    pub(super) user_verified: bool,
    pub(super) portable: bool,
    pub(super) backed_up: bool,
    pub(super) counter: u32,
    pub(super) credential: Option<Credential>,
}

/// A new key.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    model: [u8; 16],
    pub(super) id: Vec<u8>,
    pub(super) key: PublicKey,
}

impl Credential {
    /// The model of the authenticator, as a UUID.
    pub(super) fn model(&self) -> String {
        let hex: String = self.model.iter().map(|byte| format!("{byte:02x}")).collect();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, rest) = bytes
        .split_first_chunk::<N>()
        .ok_or(Fault("the authenticator's data is too short"))?;
    *bytes = rest;
    Ok(*taken)
}

impl AuthenticatorData {
    pub(super) fn read(mut bytes: &[u8]) -> Result<Self> {
        let bytes = &mut bytes;
        let party_hash = take(bytes)?;
        let [flags] = take(bytes)?;
        let counter = u32::from_be_bytes(take(bytes)?);
        let credential = (flags & CREDENTIAL != 0).then(|| credential(bytes)).transpose()?;
        if flags & EXTENSIONS != 0 {
            let (_, rest) = cbor::read(bytes).ok_or(Fault("the extensions cannot be read"))?;
            *bytes = rest;
        }
        if !bytes.is_empty() {
            return Err(Fault("something stands behind the authenticator's data"));
        }
        let (portable, backed_up) = (flags & BACKUP_ELIGIBLE != 0, flags & BACKED_UP != 0);
        if backed_up && !portable {
            return Err(Fault("a key that cannot be copied is said to be copied"));
        }
        Ok(Self {
            party_hash,
            user_present: flags & USER_PRESENT != 0,
            user_verified: flags & USER_VERIFIED != 0,
            portable,
            backed_up,
            counter,
            credential,
        })
    }

    /// Whether it is for us, and somebody was there.
    pub(super) fn check(&self, party: &str) -> Result<()> {
        if self.party_hash != digest(&SHA256, party.as_bytes()).as_ref() {
            return Err(Fault("the key is for another party"));
        }
        if !self.user_present {
            return Err(Fault("nobody was there"));
        }
        Ok(())
    }
}

fn credential(bytes: &mut &[u8]) -> Result<Credential> {
    let model = take(bytes)?;
    let length = usize::from(u16::from_be_bytes(take(bytes)?));
    let (id, rest) = bytes
        .split_at_checked(length)
        .ok_or(Fault("the authenticator's data is too short"))?;
    let (_, after) = cbor::read(rest).ok_or(Fault("the key cannot be read"))?;
    let key = PublicKey::read(&rest[..rest.len() - after.len()])?;
    *bytes = after;
    Ok(Credential {
        model,
        id: id.to_vec(),
        key,
    })
}
