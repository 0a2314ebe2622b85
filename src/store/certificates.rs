//! Whose certificate a database may show.

use super::StoreError;
use super::address::Protection;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What makes TLS of a connection with `protection`; `authority` is a file of certificates (PEM).
///
/// # Errors
/// If the authority is needed and not named, or cannot be read.
pub(super) fn connector(
    protection: Protection,
    authority: Option<&Path>,
) -> Result<MakeRustlsConnect, StoreError> {
    if protection < Protection::VerifyCa {
        return Ok(whoever_answers());
    }
    let file = authority.ok_or_else(|| {
        StoreError::Address(format!(
            "sslmode={} needs sslrootcert, the file of the authority that signed the server's certificate \
             (such as /etc/ssl/certs/ca-certificates.crt for those that browsers know)",
            protection.as_ref()
        ))
    })?;
    let known = certificates(file)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(known.iter().cloned());
    let chain = WebPkiServerVerifier::builder(Arc::new(roots))
        .build()
        .map_err(|e| StoreError::Address(format!("sslrootcert {}: {e}", file.display())))?;
    let with_name = protection == Protection::VerifyFull;
    Ok(with_judge(Arc::new(Authority { chain, known, with_name })))
}

/// TLS without a look at who answers: for connections that use none, and where it is asked for.
pub(super) fn whoever_answers() -> MakeRustlsConnect {
    with_judge(Arc::new(Anybody(rustls::crypto::ring::default_provider())))
}

fn with_judge(judge: Arc<dyn ServerCertVerifier>) -> MakeRustlsConnect {
    let mut config =
        ClientConfig::builder().dangerous().with_custom_certificate_verifier(judge).with_no_client_auth();
    // Servers from 17 on want it where TLS begins at once (sslnegotiation=direct).
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    MakeRustlsConnect::new(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let problem = |words: String| StoreError::Address(format!("sslrootcert {}: {words}", file.display()));
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|e| problem(e.to_string()))?;
    if found.is_empty() {
        return Err(problem("there is no certificate (PEM) in it".into()));
    }
    Ok(found)
}

/// Whoever answers is believed; what it says is still read by the key that it shows.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Signed by an authority that is known, or known itself.
#[derive(Debug)]
struct Authority {
    chain: Arc<WebPkiServerVerifier>,
    known: Vec<CertificateDer<'static>>,
    with_name: bool,
}

impl ServerCertVerifier for Authority {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // A server that signed its own is its own authority; webpki alone would not have it.
        if self.known.contains(shown) {
            if self.with_name {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match self.chain.verify_server_cert(shown, between, name, ocsp, now) {
            // The name is looked at last, so everything else holds.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.with_name => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
