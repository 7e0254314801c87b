//! SHA-256 (FIPS 180-4), the project's only digest.

use aws_lc_rs::digest;

/// The digest of `parts` one after another. Where a part's length can vary, the caller writes the length before it.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_the_one_of_fips_180_4() {
        let digest = sha256(&[b"a", b"bc"]);
        assert_eq!(&digest[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
