//! Digests by which equal hashes are recognised.

/// A keyed digest of a stored hash; none without a key of 32 bytes.
pub(crate) fn keyed(hash: &str, key: &[u8]) -> Option<String> {
    let key: &[u8; 32] = key.try_into().ok()?;
    let hex = blake3::keyed_hash(key, hash.as_bytes()).to_hex();
    Some(hex.chars().take(32).collect())
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
