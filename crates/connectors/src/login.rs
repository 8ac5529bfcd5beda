//! Who acts on a target, and with what.

use postern_domain::account::CredentialKind;
use postern_domain::{AccountName, SecretText};

/// What proves an account to its target. No `Debug`, as every secret.
#[derive(Clone)]
pub enum Secret {
    /// A password.
    Password(SecretText),
    /// A private key in OpenSSH's form, without a passphrase.
    SshKey(SecretText),
    /// A private key and the certificate that Postern's user CA signed for it.
    SshCertificate {
        /// The private key in OpenSSH's form.
        key: SecretText,
        /// The certificate, one line.
        certificate: String,
    },
}

impl Secret {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Password(_) => CredentialKind::Password,
            Self::SshKey(_) => CredentialKind::SshKey,
            Self::SshCertificate { .. } => CredentialKind::SshCertificate,
        }
    }
}

/// Who acts.
#[derive(Clone)]
pub struct Login {
    /// The account.
    pub account: AccountName,
    /// What proves it.
    pub secret: Secret,
    /// What it needs to become privileged once it is in: the password for sudo, a device's enable
    /// secret. Where it is left out and a password is asked for, the password that signed in is given.
    pub elevate: Option<SecretText>,
}

impl Login {
    /// An account that needs nothing more once it is in.
    #[must_use]
    pub fn new(account: AccountName, secret: Secret) -> Self {
        Self { account, secret, elevate: None }
    }
}
