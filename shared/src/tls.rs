//! TLS to servers that are not AWS's: databases and the issuers of ID tokens.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::settings::{SettingError, Variables};

const CA_FILE: &str = "CONNECT_CA_FILE";

/// A configuration that verifies the server's name against Mozilla's roots, and those in the PEM file that
/// `CONNECT_CA_FILE` names: databases often have a certificate authority of their own.
///
/// # Errors
/// [`SettingError`] when the file cannot be read or holds anything but certificates.
pub(crate) fn client_config(variables: &Variables) -> Result<ClientConfig, SettingError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = own_roots(variables)? {
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| SettingError::invalid(CA_FILE, "cannot be used with this TLS library"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The PEM file of `CONNECT_CA_FILE`, for what reads certificates by itself.
pub(crate) fn own_roots(variables: &Variables) -> Result<Option<Vec<u8>>, SettingError> {
    variables.get(CA_FILE).map(std::fs::read).transpose().map_err(|_| unreadable())
}

fn unreadable() -> SettingError {
    SettingError::invalid(CA_FILE, "must name a readable file of PEM certificates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_certificates_stops_the_start() {
        assert!(client_config(&Variables::default()).is_ok());
        for path in ["/does/not/exist", "/"] {
            let error = client_config(&[("CONNECT_CA_FILE", path)].into_iter().collect()).unwrap_err();
            assert_eq!(error.to_string(), "CONNECT_CA_FILE must name a readable file of PEM certificates", "{path}");
        }
    }
}
