//! The only source of randomness: the operating system's, through AWS-LC.

use aws_lc_rs::rand;

/// The random source did not answer; nothing that needs a secret may go on.
#[derive(Debug, thiserror::Error)]
#[error("the random source is not available")]
pub struct RandomUnavailable;

/// `N` fresh bytes, fit for keys and tokens (OWASP ASVS 11.5.1).
///
/// # Errors
/// [`RandomUnavailable`] when the operating system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], RandomUnavailable> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| RandomUnavailable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ten_thousand_draws_never_repeat() {
        let drawn: HashSet<[u8; 16]> = (0..10_000).map(|_| bytes().unwrap()).collect();
        assert_eq!(drawn.len(), 10_000);
    }
}
