//! A sign-in service of others (OpenID Connect Core 1.0), found by discovery: authorization code with PKCE
//! (S256), state, nonce, and the `iss` of RFC 9207. Tokens are verified by the keys that the provider publishes.

use crate::adapters::https::{self, Https, HttpsError};
use futures_util::future::BoxFuture;
use http_body_util::Full;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AsyncHttpClient, AuthType,
    AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use url::Url;

/// How long one answer may take: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what the provider says of itself is believed without asking again.
const FRESH: Duration = Duration::from_secs(300);
/// How long a provider that did not answer is not asked again.
const REST: Duration = Duration::from_secs(5);

/// Signatures that count: by a published key. Neither none nor a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What the library does not read of the provider's own description.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct More {
    #[serde(default)]
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}
impl AdditionalProviderMetadata for More {}

/// Claims beyond the standard's, such as groups.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Others(Map<String, Value>);
impl AdditionalClaims for Others {}

type Description = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type Provider = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider does not answer, or not as one.
    #[error("the provider cannot be used: {0}")]
    Down(String),
    /// What it answered does not count.
    #[error("the provider's answer does not count: {0}")]
    Untrusted(String),
}

/// The provider, and who we are to it.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its address, as it writes it itself.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// The secret that belongs to it.
    pub client_secret: Option<String>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Where people come back to.
    pub back: String,
    /// Claim that lists groups.
    pub groups_claim: Option<String>,
    /// Whether plain http on this machine will do.
    pub plain: bool,
}

/// What binds the answer to who asked. Secrets.
#[derive(Clone)]
pub struct Binding {
    /// Comes back in the address.
    pub state: String,
    /// Comes back in the token.
    pub nonce: String,
    /// Redeems the code.
    pub verifier: String,
}

/// Who somebody is, by the provider.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Who it is there, for ever.
    pub subject: String,
    /// Mail address.
    pub mail: Option<String>,
    /// Whether the provider vouches for it.
    pub mail_verified: bool,
    /// Full name.
    pub name: Option<String>,
    /// Groups, as far as they are asked for.
    pub groups: Vec<String>,
}

/// Sends the library's requests.
struct Caller {
    https: Https,
    plain: bool,
}

impl<'c> AsyncHttpClient<'c> for Caller {
    type Error = HttpsError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpsError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            // Every address the provider names, too: none of them in clear over the network.
            https::service("oidc.issuer", &request.uri().to_string(), self.plain)
                .map_err(HttpsError::Broken)?;
            let (status, body) = self.https.send(request.map(|b| Full::new(b.into())), PATIENCE).await?;
            let mut answer = HttpResponse::new(body.to_vec());
            *answer.status_mut() =
                http::StatusCode::from_u16(status).map_err(|e| HttpsError::Broken(e.to_string()))?;
            Ok(answer)
        })
    }
}

struct Known {
    issuer: String,
    at: Instant,
    found: Result<Description, String>,
}

/// Speaks to the provider; clones share what is known of it.
#[derive(Clone)]
pub struct Oidc {
    https: Https,
    known: Arc<Mutex<Option<Known>>>,
}

impl Oidc {
    /// Calls go out through `https`.
    #[must_use]
    pub fn new(https: Https) -> Self {
        Self { https, known: Arc::default() }
    }

    /// What the provider says of itself, with its keys; asked for anew if that is older than `age`.
    async fn describe(&self, service: &Service, age: Duration) -> Result<Description, OidcError> {
        let mut known = self.known.lock().await;
        if let Some(k) = known.as_ref().filter(|k| k.issuer == service.issuer) {
            let limit = if k.found.is_ok() { age } else { REST };
            if k.at.elapsed() < limit {
                return k.found.clone().map_err(OidcError::Down);
            }
        }
        let call = Caller { https: self.https.clone(), plain: service.plain };
        let issuer = IssuerUrl::new(service.issuer.clone()).map_err(|e| OidcError::Down(e.to_string()))?;
        let found = Description::discover_async(issuer, &call).await.map_err(|e| in_words(&e));
        *known = Some(Known { issuer: service.issuer.clone(), at: Instant::now(), found: found.clone() });
        found.map_err(OidcError::Down)
    }

    fn client(service: &Service, description: Description) -> Result<Provider, OidcError> {
        let back = RedirectUrl::new(service.back.clone()).map_err(|e| OidcError::Down(e.to_string()))?;
        let methods = description.token_endpoint_auth_methods_supported();
        let posts_only = methods.is_some_and(|m| {
            m.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !m.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let secret = service.client_secret.clone().map(ClientSecret::new);
        let client =
            Provider::from_provider_metadata(description, ClientId::new(service.client_id.clone()), secret);
        let how = if posts_only { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(back).set_auth_type(how))
    }

    /// Where to send somebody who wants to sign in.
    ///
    /// # Errors
    /// [`OidcError::Down`].
    pub async fn address(&self, service: &Service, binding: &Binding) -> Result<Url, OidcError> {
        let client = Self::client(service, self.describe(service, FRESH).await?)?;
        let verifier = PkceCodeVerifier::new(binding.verifier.clone());
        let (state, nonce) = (binding.state.clone(), binding.nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in &service.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (address, _, _) = request.url();
        https::service("oidc.issuer", address.as_str(), service.plain).map_err(OidcError::Down)
    }

    /// Where somebody can sign out at the provider, too, and then comes back to `home`; none if it knows no
    /// such thing.
    ///
    /// # Errors
    /// [`OidcError::Down`].
    pub async fn sign_out(&self, service: &Service, home: &str) -> Result<Option<Url>, OidcError> {
        let description = self.describe(service, FRESH).await?;
        let Some(mut address) = description.additional_metadata().end_session_endpoint.clone() else {
            return Ok(None);
        };
        address
            .query_pairs_mut()
            .append_pair("client_id", &service.client_id)
            .append_pair("post_logout_redirect_uri", home);
        https::service("oidc.issuer", address.as_str(), service.plain).map(Some).map_err(OidcError::Down)
    }

    /// Who came back with `code`. `from` is the `iss` of the answer, which says whose answer it is.
    ///
    /// # Errors
    /// [`OidcError::Down`], or [`OidcError::Untrusted`] with the check that failed.
    pub async fn identify(
        &self,
        service: &Service,
        binding: Binding,
        code: &str,
        from: Option<&str>,
    ) -> Result<Identity, OidcError> {
        let untrusted = |e: &dyn std::error::Error| OidcError::Untrusted(in_words(e));
        let description = self.describe(service, FRESH).await?;
        match from {
            Some(from) if from != service.issuer => {
                return Err(OidcError::Untrusted("it comes from another issuer".into()));
            }
            None if description.additional_metadata().authorization_response_iss_parameter_supported => {
                return Err(OidcError::Untrusted("it does not say from which issuer it comes".into()));
            }
            _ => {}
        }
        let call = Caller { https: self.https.clone(), plain: service.plain };
        let client = Self::client(service, description)?;
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|e| OidcError::Down(e.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(binding.verifier));
        let tokens: Tokens = request.request_async(&call).await.map_err(|e| match e {
            openidconnect::RequestTokenError::Request(e) => OidcError::Down(e.to_string()),
            other => untrusted(&other),
        })?;
        let token =
            tokens.id_token().ok_or_else(|| OidcError::Untrusted("there is no identity token".into()))?;
        let nonce = Nonce::new(binding.nonce);
        let first = token.claims(&client.id_token_verifier().set_allowed_algs(ALGORITHMS), &nonce).map(drop);
        let client = match first {
            // The keys may have been exchanged since they were read.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                Self::client(service, self.describe(service, Duration::ZERO).await?)?
            }
            _ => client,
        };
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = token.claims(&verifier, &nonce).map_err(|e| untrusted(&e))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|e| untrusted(&e))?;
            let key = token.signing_key(&verifier).map_err(|e| untrusted(&e))?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if actual.map_err(|e| untrusted(&e))? != *expected {
                return Err(OidcError::Untrusted("the access token belongs to another identity".into()));
            }
        }
        let mut identity = Identity {
            issuer: service.issuer.clone(),
            subject: claims.subject().to_string(),
            mail: claims.email().map(|m| m.to_string()),
            mail_verified: claims.email_verified() == Some(true),
            name: claims.name().and_then(|n| n.get(None)).map(|n| n.to_string()),
            groups: groups(claims.additional_claims(), service.groups_claim.as_deref()),
        };
        let complete = identity.mail.is_some()
            && identity.name.is_some()
            && (service.groups_claim.is_none() || !identity.groups.is_empty());
        if let (false, Ok(more)) =
            (complete, client.user_info(tokens.access_token().clone(), Some(claims.subject().clone())))
        {
            let more: openidconnect::UserInfoClaims<Others, CoreGenderClaim> =
                more.request_async(&call).await.map_err(|e| match e {
                    openidconnect::UserInfoError::Request(e) => OidcError::Down(e.to_string()),
                    other => untrusted(&other),
                })?;
            // Address and whether it is vouched for belong together.
            if identity.mail.is_none() {
                identity.mail = more.email().map(|m| m.to_string());
                identity.mail_verified = more.email_verified() == Some(true);
            }
            identity.name =
                identity.name.or_else(|| more.name().and_then(|n| n.get(None)).map(|n| n.to_string()));
            if identity.groups.is_empty() {
                identity.groups = groups(more.additional_claims(), service.groups_claim.as_deref());
            }
        }
        Ok(identity)
    }
}

/// A claim that is a text or a list of texts.
fn groups(claims: &Others, name: Option<&str>) -> Vec<String> {
    match name.and_then(|n| claims.0.get(n)) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec![],
    }
}

/// An error with its causes: the outermost alone often says nothing.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
