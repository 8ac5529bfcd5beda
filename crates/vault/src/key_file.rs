//! The key file: random bytes in a file that nobody but its owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use postern_domain::SecretBytes;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::random;

/// The fewest bytes in a key file.
pub const KEY_FILE_LEN_MIN: usize = 32;
/// The most bytes in a key file.
pub const KEY_FILE_LEN_MAX: usize = 4096;

/// Creates a key file of 32 random bytes with mode 0600, durably, and returns what is in it. An
/// existing file is never overwritten: it may be the only way into a vault.
pub fn create(path: &Path) -> Result<SecretBytes, Error> {
    let content = random::secret(KEY_FILE_LEN_MIN);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed(path, &error.to_string()))?;
    write(file, path, &content).map_err(|error| {
        // It is ours and not whole; left in place it would refuse the next attempt.
        let _ = fs::remove_file(path);
        failed(path, &error.to_string())
    })?;
    Ok(content)
}

fn write(mut file: File, path: &Path, content: &SecretBytes) -> io::Result<()> {
    file.write_all(content.expose())?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Reads a key file; refuses one that others can read or write, or that is too short or too long.
pub fn read(path: &Path) -> Result<SecretBytes, Error> {
    let file = File::open(path).map_err(|error| failed(path, &error.to_string()))?;
    let facts = file.metadata().map_err(|error| failed(path, &error.to_string()))?;
    if !facts.is_file() {
        return Err(failed(path, "not a regular file"));
    }
    if facts.mode() & 0o077 != 0 {
        return Err(failed(path, "others can read or write it; run chmod 600 on it"));
    }
    // Reserved in full at first, so that growing leaves no copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_LEN_MAX + 1));
    let limit = u64::try_from(KEY_FILE_LEN_MAX + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut content).map_err(|error| failed(path, &error.to_string()))?;
    if !(KEY_FILE_LEN_MIN..=KEY_FILE_LEN_MAX).contains(&content.len()) {
        return Err(failed(path, "a key file has 32 to 4096 random bytes"));
    }
    Ok(SecretBytes::new(std::mem::take(&mut *content)))
}

fn failed(path: &Path, cause: &str) -> Error {
    Error::KeyFile { path: path.display().to_string(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_created_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        let content = create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap().expose(), content.expose());
        assert_eq!(content.expose().len(), 32);
    }

    #[test]
    fn an_existing_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        let content = create(&path).unwrap();
        assert!(create(&path).is_err());
        assert_eq!(read(&path).unwrap().expose(), content.expose());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(read(&path).err().unwrap().to_string().contains("chmod 600"), "{mode:o}");
        }
    }

    #[test]
    fn too_short_too_long_missing_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        assert!(read(&path).is_err());
        assert!(read(folder.path()).is_err());
        for len in [0, 31, 4097] {
            fs::write(&path, vec![7; len]).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert!(read(&path).is_err(), "{len}");
        }
    }
}
