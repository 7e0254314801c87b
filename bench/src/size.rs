//! What is uploaded.

use std::{fs, io::Write, path::Path, process::Command};

use flate2::{Compression, write::DeflateEncoder};
use tempfile::NamedTempFile;

use bench::Outcome;

/// Bytes of a package.
pub(crate) struct Size {
    /// Without symbols.
    pub(crate) stripped: usize,
    /// Each file deflated as in a ZIP archive.
    pub(crate) zipped: usize,
}

/// The size of a binary, a script or a folder.
pub(crate) fn of(path: &Path) -> Outcome<Size> {
    if path.is_dir() {
        let mut sum = Size { stripped: 0, zipped: 0 };
        for entry in fs::read_dir(path)? {
            let Size { stripped, zipped } = of(&entry?.path())?;
            sum.stripped += stripped;
            sum.zipped += zipped;
        }
        return Ok(sum);
    }
    let content = if path.extension().is_some() { fs::read(path)? } else { stripped(path)? };
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&content)?;
    Ok(Size { stripped: content.len(), zipped: encoder.finish()?.len() })
}

fn stripped(path: &Path) -> Outcome<Vec<u8>> {
    let content = fs::read(path)?;
    if !content.starts_with(b"\x7fELF") {
        return Ok(content);
    }
    let output = NamedTempFile::new()?;
    let status = Command::new("strip").arg("-o").arg(output.path()).arg(path).status()?;
    if status.success() { Ok(fs::read(output.path())?) } else { Err(format!("strip: {status}").into()) }
}
