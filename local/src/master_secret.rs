//! The master secret of this machine: made once, kept beside the table.

use std::{
    fs::{OpenOptions, read_to_string},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use session::random;

const FILE: &str = "master-secret.json";

/// The secret kept in `folder`, made now if there is none.
///
/// # Errors
/// When the file can be neither read nor made.
pub(crate) fn kept_in(folder: &Path) -> io::Result<String> {
    let path = folder.join(FILE);
    match read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = fresh()?;
            // Readable by its owner alone, and never put over another.
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(secret.as_bytes())?;
            file.sync_all()?;
            Ok(secret)
        }
        read => read,
    }
}

/// A secret for one run.
///
/// # Errors
/// When there is no randomness.
pub(crate) fn fresh() -> io::Result<String> {
    let half = || random::bytes().map(u128::from_be_bytes).map_err(io::Error::other);
    let current = format!("{:032x}{:032x}", half()?, half()?);
    Ok(serde_json::json!({ "current": current, "previous": [] }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = kept_in(folder.path()).unwrap();
        assert_eq!(kept_in(folder.path()).unwrap(), first);
        assert_ne!(fresh().unwrap(), first);
        let mode = std::os::unix::fs::PermissionsExt::mode(&folder.path().join(FILE).metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
