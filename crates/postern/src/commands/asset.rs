//! `postern asset ...`.

use clap::Subcommand;
use postern_domain::asset::{Asset, HostKey, HostKeyState};
use postern_domain::{AssetName, ScopePath};
use serde_json::json;

use crate::client::{Client, segment};
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Assets.
#[derive(Subcommand)]
pub(crate) enum AssetCommand {
    /// List assets.
    List {
        /// A part of the name or the address.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// A label, as name=value; several separated by commas.
        #[arg(long)]
        label: Option<String>,
        /// The platform: linux, network_device, postgresql, mysql, redis, ldap.
        #[arg(long)]
        platform: Option<String>,
        /// A scope, with everything below it.
        #[arg(long)]
        scope: Option<ScopePath>,
    },
    /// Show one asset.
    Show {
        /// The name.
        name: AssetName,
    },
    /// List the host keys that an asset presented, and what was decided about them.
    HostKeys {
        /// The asset.
        name: AssetName,
    },
    /// Decide that an asset is known by a host key.
    Trust {
        /// The asset.
        name: AssetName,
        /// The key's fingerprint, SHA256:...; may be left out where one key waits for a decision.
        fingerprint: Option<String>,
    },
    /// Decide that a host key is not the asset's.
    Distrust {
        /// The asset.
        name: AssetName,
        /// The key's fingerprint, SHA256:...
        fingerprint: String,
    },
}

impl Columns for Asset {
    const HEADINGS: &'static [&'static str] = &["NAME", "SCOPE", "PLATFORM", "ADDRESS", "LABELS"];

    fn cells(&self) -> Vec<String> {
        let labels: Vec<_> = self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![
            self.name.to_string(),
            self.scope.to_string(),
            output::word(&self.platform),
            self.address.clone(),
            labels.join(","),
        ]
    }
}

impl Columns for HostKey {
    const HEADINGS: &'static [&'static str] = &["FINGERPRINT", "ALGORITHM", "STATE", "SEEN"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.fingerprint.clone(),
            algorithm(self).to_owned(),
            output::word(&self.state),
            output::time(self.seen_at),
        ]
    }
}

impl AssetCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List { search, label, platform, scope } => {
                let scope = scope.map(|scope| scope.to_string());
                let query = [("q", search), ("label", label), ("platform", platform), ("scope", scope)];
                let assets: Vec<Asset> = client.all("/v1/assets", &query).await?;
                output::list(format, &assets)?;
            }
            Self::Show { name } => {
                let asset: Asset = client.get(&format!("/v1/assets/{name}")).await?;
                output::one(format, &asset)?;
            }
            Self::HostKeys { name } => output::list(format, &host_keys(&client, &name).await?)?,
            Self::Trust { name, fingerprint } => {
                let fingerprint = match fingerprint {
                    Some(fingerprint) => fingerprint,
                    None => undecided(&name, &host_keys(&client, &name).await?)?,
                };
                decide(&client, &name, &fingerprint, "pinned", format).await?;
            }
            Self::Distrust { name, fingerprint } => decide(&client, &name, &fingerprint, "rejected", format).await?,
        }
        Ok(DONE)
    }
}

async fn host_keys(client: &Client, name: &AssetName) -> Result<Vec<HostKey>, Failure> {
    client.all(&format!("/v1/assets/{name}/host-keys"), &[]).await
}

async fn decide(
    client: &Client,
    name: &AssetName,
    fingerprint: &str,
    state: &str,
    format: Format,
) -> Result<(), Failure> {
    let path = format!("/v1/assets/{name}/host-keys/{}", segment(fingerprint));
    let key: HostKey = client.post(&path, &json!({ "state": state })).await?;
    output::list(format, &[key])
}

fn algorithm(key: &HostKey) -> &str {
    key.public_key.split(' ').next().unwrap_or_default()
}

/// The one key that waits for a decision. A key that takes the place of another is never picked
/// unasked: its fingerprint must be given.
fn undecided(name: &AssetName, keys: &[HostKey]) -> Result<String, Failure> {
    let waiting: Vec<_> = keys.iter().filter(|key| key.state == HostKeyState::Seen).collect();
    let advice = "check the fingerprint with who runs the asset, then give it";
    match waiting.as_slice() {
        [] => Err(Failure::Failed(anyhow::anyhow!(
            "no host key of {name} waits for a decision: it is seen when somebody first connects"
        ))),
        [key] => {
            let same = |other: &&HostKey| other.state == HostKeyState::Pinned && algorithm(other) == algorithm(key);
            match keys.iter().find(same) {
                None => Ok(key.fingerprint.clone()),
                Some(pinned) => Err(Failure::Failed(anyhow::anyhow!(
                    "{name} is known by {} and now presents {}: {advice}",
                    pinned.fingerprint,
                    key.fingerprint
                ))),
            }
        }
        several => {
            let several: Vec<_> = several.iter().map(|key| key.fingerprint.as_str()).collect();
            Err(Failure::Failed(anyhow::anyhow!("{name} presented several keys ({}): {advice}", several.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::{HostKeyId, Timestamp};

    use super::*;

    fn key(fingerprint: &str, algorithm: &str, state: HostKeyState) -> HostKey {
        HostKey {
            id: HostKeyId::generate(Timestamp::from_millis(0), [0; 4]),
            asset: "web-1".parse().unwrap(),
            fingerprint: fingerprint.to_owned(),
            public_key: format!("{algorithm} AAAA"),
            state,
            seen_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_key_is_picked_only_where_there_is_no_doubt() {
        use HostKeyState::{Pinned, Rejected, Seen};
        let name = "web-1".parse().unwrap();
        let picked = |keys: &[HostKey]| undecided(&name, keys).map_err(|failure| failure.message());
        let (new, rsa) = (key("SHA256:new", "ssh-ed25519", Seen), key("SHA256:rsa", "ssh-rsa", Pinned));
        let old = key("SHA256:old", "ssh-ed25519", Rejected);
        assert_eq!(picked(&[rsa.clone(), new.clone(), old]), Ok("SHA256:new".to_owned()));
        assert!(picked(std::slice::from_ref(&rsa)).is_err());
        let pinned = key("SHA256:old", "ssh-ed25519", Pinned);
        assert!(
            picked(&[pinned, new.clone()]).unwrap_err().contains("known by SHA256:old and now presents SHA256:new")
        );
        assert!(picked(&[new, key("SHA256:two", "ssh-rsa", Seen)]).unwrap_err().contains("several"));
    }
}
