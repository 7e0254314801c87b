//! An authority of our own, and a certificate that it signed.

use std::{
    fs::{Permissions, set_permissions, write as write_file},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::Outcome;

/// Writes `ca.pem`, and `server.pem` with `server.key` for a server of that name.
pub(super) fn write(folder: &Path, name: &str) -> Outcome {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "an authority of tests");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let server = CertificateParams::new([name.to_owned()])?.signed_by(&key, &authority)?;
    write_file(folder.join("ca.pem"), authority.pem())?;
    write_file(folder.join("server.pem"), server.pem())?;
    write_file(folder.join("server.key"), key.serialize_pem())?;
    // PostgreSQL takes no key that others can read.
    Ok(set_permissions(folder.join("server.key"), Permissions::from_mode(0o600))?)
}
