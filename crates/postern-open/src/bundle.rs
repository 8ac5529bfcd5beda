//! Reading bundles: whose they are, whether they were altered, and opening them.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use postern_ledger::note::{self, Verifier};
use postern_vault::offline::{self, Bundle, Contents, FILE_LEN_MAX, HolderSecret};

use crate::holder::{Asked, unlock};
use crate::{CheckArgs, File, Opened, ShareArgs, ShowArgs};

/// A bundle's file.
pub(crate) struct Read {
    pub(crate) bundle: Bundle,
    /// The SHA-256 of the file, hex, as Postern's ledger has it.
    pub(crate) digest: String,
    /// Whether its signature was checked.
    signed: bool,
}

/// Reads a bundle's file, and checks who has written it where that can be checked.
pub(crate) fn read(args: &File) -> anyhow::Result<Read> {
    let shown = args.bundle.display();
    let length = std::fs::metadata(&args.bundle).with_context(|| format!("{shown}"))?.len();
    if usize::try_from(length).map_or(true, |length| length > FILE_LEN_MAX) {
        bail!("{shown}: larger than {FILE_LEN_MAX} bytes: it is no bundle");
    }
    let file = std::fs::read(&args.bundle).with_context(|| format!("{shown}"))?;
    let (signed, body) = offline::parts(&file).ok_or_else(|| anyhow!("{shown}: is not a bundle of Postern"))?;
    let bundle = Bundle::parse(body).with_context(|| format!("{shown}"))?;
    let text = offline::signed_text(body, bundle.facts().serial);
    match &args.signed_by {
        Some(path) => {
            let verifier = verifier(path)?;
            let said = note::open(signed.as_bytes(), &verifier)
                .map_err(|error| anyhow!("{shown}: ALTERED, OR NOT WRITTEN BY YOUR POSTERN: {error}"))?;
            if said != text {
                bail!("{shown}: ALTERED: what is signed is another bundle");
            }
        }
        None if !signed.starts_with(&text) => bail!("{shown}: ALTERED: its hash is not the one that is signed"),
        None => eprintln!("Who has written this was not checked: give --signed-by with the ledger's public key."),
    }
    Ok(Read { bundle, digest: offline::sha256_hex(&file), signed: args.signed_by.is_some() })
}

fn verifier(path: &Path) -> anyhow::Result<Verifier> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{shown}"))?;
    text.trim().parse().map_err(|error| anyhow!("{shown}: is not the public key of a ledger: {error}"))
}

/// Shows what a bundle says about itself.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<()> {
    tell(&read(&args.file)?);
    Ok(())
}

fn tell(read: &Read) {
    let facts = read.bundle.facts();
    println!("bundle    {} of {}", facts.serial, facts.server);
    println!("written   {}{}", facts.made_at, if read.signed { ", signature good" } else { ", signature NOT checked" });
    println!("sha256    {}", read.digest);
    println!("accounts  {}", facts.accounts);
    println!("opens     with {} of:", read.bundle.threshold());
    for holder in read.bundle.holders() {
        println!("          {}  {}", holder.name, holder.key);
    }
}

/// Shows a holder's own share.
pub(crate) fn share(args: &ShareArgs) -> anyhow::Result<()> {
    let read = read(&args.file)?;
    let secret = unlock(&args.key, &Asked::of(args.passphrases_stdin))?;
    let share = of(&read.bundle, &secret)?;
    eprintln!("Your share of bundle {}. Tell it only to whoever opens it with you:", read.bundle.facts().serial);
    println!("{}", share.expose());
    Ok(())
}

fn of(bundle: &Bundle, secret: &HolderSecret) -> anyhow::Result<postern_domain::SecretText> {
    bundle.share(secret).map_err(|error| anyhow!("{}: {error}", secret.public()))
}

/// Opens a bundle with the keys and shares that are given; gives with whose keys, too.
pub(crate) fn unseal(read: &Read, opened: &Opened) -> anyhow::Result<(Contents, Vec<String>)> {
    let asked = Asked::of(opened.passphrases_stdin);
    let (mut shares, mut names) = (Vec::new(), Vec::new());
    for path in &opened.key {
        let secret = unlock(path, &asked)?;
        shares.push(of(&read.bundle, &secret)?);
        let holder = read.bundle.holders().into_iter().find(|holder| holder.key == *secret.public());
        names.extend(holder.map(|holder| holder.name.to_string()));
    }
    for number in 1..=opened.shares {
        shares.push(asked.ask(&format!("Share {number}, as its holder reads it"))?);
        names.push("a holder who read their share out".to_owned());
    }
    let contents = read.bundle.open(&shares).map_err(|error| anyhow!("the bundle does not open: {error}"))?;
    Ok((contents, names))
}

/// Opens a bundle and shows nothing secret.
pub(crate) fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let read = read(&args.file)?;
    let (contents, _) = unseal(&read, &args.opened)?;
    tell(&read);
    println!("opened    yes");
    for entry in &contents.entries {
        let secrets: Vec<_> =
            entry.secrets.iter().map(|one| format!("{} version {} ({})", one.kind, one.version, one.state)).collect();
        println!("          {}  {}  {}", entry.account, entry.address, secrets.join(", "));
        if secrets.is_empty() {
            bail!("{} has no secret in it", entry.account);
        }
    }
    Ok(())
}
