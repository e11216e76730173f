//! A branch's signed policy: the owner of the data signs the file, the daemon demands the signature.

use std::path::{Path, PathBuf};

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::message::signed_message;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::lines::{Fields, body};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError, read_titled};

const TITLE: &str = "tributary policy signature 2";
const WHAT: &str = "signature of a policy, as `tributary client policy sign` writes it";

/// Why a policy is not in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The signature is for another file, or by another key.
    #[error(
        "{path}: the policy is not signed by the branch's owner as it stands, so no plan is admitted: have the owner read it and sign it \
         (`tributary client policy sign`), or put the signed file back",
        path = path.display()
    )]
    NotSigned {
        /// The policy.
        path: PathBuf,
    },
}

/// Where the signature of a policy lies: beside it, with `.sig` behind its name.
#[must_use]
pub fn signature_path(policy: &Path) -> PathBuf {
    let mut name = policy.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

/// Signs a policy of this text, which its owner was shown, and writes the signature beside it. Where the file was changed meanwhile, it does not fit.
///
/// # Errors
/// [`FileError`].
pub fn sign_policy(policy: &Path, text: &str, owner: &SigningKey) -> Result<PathBuf, FileError> {
    let digest = Digest::of(text.as_bytes());
    let signature = RealSuite::sign(owner, &message(&digest));
    let path = signature_path(policy);
    let text = format!("{TITLE}\npolicy {digest} signature {signature}\n");
    files::write_public(&path, text.as_bytes(), Existing::Replace)?;
    Ok(path)
}

/// Checks that the owner signed a policy as it stands; the text that was signed, to be read instead of the file.
///
/// # Errors
/// [`PolicyError`].
pub fn verify_policy(policy: &Path, owner: &VerifyingKey) -> Result<String, PolicyError> {
    let document = files::read_text(policy, "policy")?;
    let digest = Digest::of(document.as_bytes());
    let path = signature_path(policy);
    let text = read_titled(&path, TITLE, WHAT)?;
    let (stated, signature) = parse(&text).ok_or_else(|| FileError::content(&path, WHAT))?;
    let signed = stated == digest && RealSuite::verify(owner, &message(&digest), &signature);
    if signed { Ok(document) } else { Err(PolicyError::NotSigned { path: policy.to_owned() }) }
}

fn parse(text: &str) -> Option<(Digest, Signature)> {
    let mut lines = body(text, TITLE)?;
    let mut fields = Fields::of(lines.next()?);
    let (digest, signature) = (fields.digest("policy")?, fields.signature("signature")?);
    fields.end()?;
    lines.next().is_none().then_some((digest, signature))
}

fn message(digest: &Digest) -> Vec<u8> {
    signed_message("POLICY", &Canonical::new("tributary/policy/1").digest(digest).finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn a_policy_is_in_force_as_its_owner_signed_it() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        std::fs::write(&policy, "epsilon_life = 1\n").unwrap();
        let owner = SigningKey::generate(&mut OsEntropy);
        let key = owner.verifying_key();
        assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::File(_))), "no signature");
        let shown = "epsilon_life = 1\n";
        let signature = sign_policy(&policy, shown, &owner).unwrap();
        assert_eq!(signature, folder.path().join("policy.toml.sig"));
        assert!(verify_policy(&policy, &key).is_ok());
        let stranger = SigningKey::generate(&mut OsEntropy).verifying_key();
        assert!(matches!(verify_policy(&policy, &stranger), Err(PolicyError::NotSigned { .. })));
        std::fs::write(&policy, "epsilon_life = 9\n").unwrap();
        sign_policy(&policy, shown, &owner).unwrap();
        let fault = verify_policy(&policy, &key).unwrap_err();
        assert!(fault.to_string().contains("have the owner read it and sign it"), "{fault}");
        // Whoever changes the policy cannot make the signature fit by writing the new digest into it.
        let forged = std::fs::read_to_string(&signature).unwrap();
        let old = forged.split(' ').nth(4).unwrap().to_owned();
        let new = Digest::of(&std::fs::read(&policy).unwrap()).to_string();
        std::fs::write(&signature, forged.replace(&old, &new)).unwrap();
        assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::NotSigned { .. })));
        for broken in ["", "tributary policy signature 2\n", "tributary policy signature 2\npolicy 00 signature 00\n"] {
            std::fs::write(&signature, broken).unwrap();
            assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::File(_))), "{broken:?}");
        }
    }
}
