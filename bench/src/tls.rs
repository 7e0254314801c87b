//! TLS in front of the embedded DynamoDB, with a chain like that of AWS's endpoints: RSA of 2048 bits, one intermediate.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::Outcome;

/// A server that ends TLS and passes on what is in it.
pub(crate) struct Terminator {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The root that its clients must trust.
    pub(crate) root: String,
}

impl Terminator {
    /// Starts one in front of `behind`.
    pub(crate) async fn start(behind: SocketAddr) -> Outcome<Self> {
        let key = || KeyPair::generate_for(&PKCS_RSA_SHA256);
        let (root_params, root_key) = (authority("bench root")?, key()?);
        let root = root_params.self_signed(&root_key)?;
        let root_issuer = Issuer::new(root_params, root_key);
        let (between_params, between_key) = (authority("bench intermediate")?, key()?);
        let between = between_params.signed_by(&between_key, &root_issuer)?;
        let between_issuer = Issuer::new(between_params, between_key);
        let mut leaf_params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        leaf_params.use_authority_key_identifier_extension = true;
        let leaf_key = key()?;
        let leaf = leaf_params.signed_by(&leaf_key, &between_issuer)?;

        let chain = vec![CertificateDer::from(leaf), CertificateDer::from(between)];
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, PrivatePkcs8KeyDer::from(leaf_key.serialize_der()).into())?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(acceptor.clone(), client, behind));
            }
        });
        Ok(Self { address, root: root.pem() })
    }
}

fn authority(name: &str) -> Outcome<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// One connection, until either side ends it: a process that is killed leaves nothing to report.
async fn pass(acceptor: TlsAcceptor, client: TcpStream, behind: SocketAddr) -> Outcome {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(behind).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
