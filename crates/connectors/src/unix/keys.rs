//! Public keys that open an account: added, and taken away one by one.

use postern_domain::AccountName;

use super::shell::Shell;
use crate::login::Secret;
use crate::outcome::{Cause, Failure, Outcome};
use crate::ssh::{self, RunError};

/// The public half of a private key, as `authorized_keys` holds it: algorithm, blob.
pub(super) fn public_line(secret: &Secret) -> Result<String, Failure> {
    let (Secret::SshKey(key) | Secret::SshCertificate { key, .. }) = secret else {
        return Err(Failure::new(Cause::Unsupported, "the secret is not a key"));
    };
    let mut public = ssh::private_key(key.expose())?.public_key().clone();
    public.set_comment("");
    public
        .to_openssh()
        .map(|line| line.trim().to_owned())
        .map_err(|_| Failure::new(Cause::Setting, "the private key kept for the account cannot be read"))
}

/// Whose file it is, and who works on it.
pub(super) struct Place<'a> {
    pub(super) account: &'a AccountName,
    /// Whether the account itself is signed in.
    pub(super) is_own: bool,
    /// From the asset's settings, where keys do not lie in home folders: `/etc/ssh/keys/%u`.
    pub(super) file: Option<&'a str>,
}

impl Place<'_> {
    /// Adds a key's line; one that is there already stays as it is.
    pub(super) async fn add(&self, shell: &Shell, line: &str) -> Outcome {
        self.edit(shell, "add", line).await
    }

    /// Takes a key away, whatever options stand before it.
    pub(super) async fn remove(&self, shell: &Shell, line: &str) -> Outcome {
        self.edit(shell, "remove", line).await
    }

    async fn edit(&self, shell: &Shell, verb: &str, line: &str) -> Outcome {
        let blob = line.split(' ').find(|word| word.starts_with("AAAA")).unwrap_or_default();
        if blob.is_empty() || line.chars().any(char::is_control) {
            return Outcome::NotApplied(Failure::new(Cause::Setting, "not a public key"));
        }
        let account = self.account.as_str();
        let file = self.file.map(|file| file.replace("%u", account));
        let file = file.as_deref().unwrap_or(".ssh/authorized_keys");
        let argv = ["sh", "-c", EDIT, "sh", verb, file, line, blob];
        // Root does not touch files in a folder that somebody else controls: it becomes the account.
        let result = match (self.is_own, file.starts_with('/')) {
            (true, _) => shell.plain(&argv, &[]).await,
            (false, true) => shell.root(&argv, &[]).await,
            (false, false) => {
                let mut wrapped = vec!["sh", "-c", AS_ACCOUNT, "sh", account];
                wrapped.extend(argv.iter().skip(2));
                shell.root(&wrapped, &[]).await
            }
        };
        match result {
            Ok(output) => match output.status {
                Some(0) => Outcome::Applied(()),
                Some(NO_ACCOUNT) => Outcome::NotApplied(Failure::new(
                    Cause::NoSuchAccount,
                    format_args!("the server has no account {account}"),
                )),
                // The new file takes the place of the old one as the last thing that can fail.
                Some(_) => Outcome::NotApplied(Failure::new(Cause::Forbidden, output.complaint())),
                None => Outcome::Unknown(Failure::new(Cause::Protocol, "the edit was interrupted")),
            },
            Err(RunError::NotBegun(failure)) => Outcome::NotApplied(failure),
            Err(RunError::Lost(failure)) => Outcome::Unknown(failure),
        }
    }
}

const NO_ACCOUNT: u32 = 45;

/// Becomes an account, whatever its shell, and runs the script in its home folder.
const AS_ACCOUNT: &str = r#"u=$1; s=$2; shift 3
id -u -- "$u" >/dev/null 2>&1 || exit 45
h=$(getent passwd "$u" | cut -d: -f6); [ -n "$h" ] && cd "$h" || { echo "$u has no home folder" >&2; exit 1; }
if command -v runuser >/dev/null; then exec runuser -u "$u" -- sh -c "$s" sh "$@"; fi
exec su -s /bin/sh "$u" -c "$s" -- sh "$@""#;

/// Edits the file beside itself and renames it, with owner and mode as they were.
const EDIT: &str = r#"set -e; umask 077
verb=$1; file=$2; line=$3; blob=$4
case $file in /*) ;; *) [ -d .ssh ] || { [ "$verb" = remove ] && exit 0; mkdir -p .ssh; } ;; esac
has() { [ -f "$file" ] && grep -qF -- "$blob" "$file"; }
if [ "$verb" = add ]; then has && exit 0; else has || exit 0; fi
new=$file.postern-new
rm -f -- "$new"
if [ -f "$file" ]; then cp -p -- "$file" "$new"; else : >"$new"; fi
if [ "$verb" = add ]; then
  [ ! -s "$new" ] || [ -z "$(tail -c 1 -- "$new")" ] || echo >>"$new"
  printf '%s\n' "$line" >>"$new"
else
  grep -vF -- "$blob" "$file" >"$new" || [ $? = 1 ]
fi
sync "$new" 2>/dev/null || sync
mv -f -- "$new" "$file""#;
