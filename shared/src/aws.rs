//! How AWS is reached: configuration by hand from what Lambda puts into the environment.
//!
//! The SDK's default loading reads profile files, asks the instance metadata service and loads the system's trust
//! store; each of those costs a cold start more than the first request itself.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_runtime::{
    invocation_id::InvocationIdInterceptor, request_info::RequestInfoInterceptor, user_agent::UserAgentInterceptor,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        behavior_version::BehaviorVersion,
        http::SharedHttpClient,
        interceptors::{
            Intercept, context::BeforeSerializationInterceptorContextRef, disable_interceptor, dyn_dispatch_hint,
        },
        result::SdkError,
        stalled_stream_protection::StalledStreamProtectionConfig,
    },
};
use aws_smithy_types::{
    config_bag::ConfigBag, error::metadata::ProvideErrorMetadata, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_types::{SdkConfig, region::Region};

use crate::{
    error::Fault,
    policy::lifetime,
    settings::{SettingError, Variables},
};

/// The roots that AWS endpoints chain to: <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("aws/roots.pem");

/// One attempt of one request, unless `SESSION_AWS_TIMEOUT` says otherwise; a healthy DynamoDB answers in milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// All attempts of one request together, in time-outs of one: with the default, within the time-out of every function.
const ATTEMPTS_TOGETHER: u32 = 3;

/// How long an unused connection is kept: longer than the five minutes between the polls of one client.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// The configuration that every AWS client of the process shares.
///
/// # Errors
/// [`SettingError`] when region or credentials are not in the environment, or `SESSION_TLS_ROOTS` or
/// `SESSION_AWS_TIMEOUT` cannot be read.
pub(crate) fn config(variables: &Variables) -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        variables.required("AWS_ACCESS_KEY_ID")?,
        variables.required("AWS_SECRET_ACCESS_KEY")?,
        variables.get("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    );
    let attempt = lifetime(variables, "SESSION_AWS_TIMEOUT", ATTEMPT_TIMEOUT)?;
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * ATTEMPTS_TOGETHER)
        .connect_timeout(attempt);
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variables.required("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard())
        // Answers are small, and the time-out of the attempt covers a stream that stops.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client(variables)?)
        .build())
}

/// Leaves out the headers in which the SDK tells of itself and counts its attempts. DynamoDB decides nothing by them,
/// and making, signing and sending them takes as long as a tenth of a request to the table.
#[derive(Debug)]
pub(crate) struct WithoutTelemetry;

#[dyn_dispatch_hint]
impl Intercept for WithoutTelemetry {
    fn name(&self) -> &'static str {
        "WithoutTelemetry"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const CAUSE: &str = "DynamoDB does not need it";
        config
            .interceptor_state()
            .store_put(disable_interceptor::<UserAgentInterceptor>(CAUSE))
            .store_put(disable_interceptor::<InvocationIdInterceptor>(CAUSE))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(CAUSE));
        Ok(())
    }
}

fn http_client(variables: &Variables) -> Result<SharedHttpClient, SettingError> {
    const NAME: &str = "SESSION_TLS_ROOTS";
    let roots = match variables.get(NAME) {
        None | Some("amazon") => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        Some("system") => TrustStore::default(),
        Some(_) => return Err(SettingError::invalid(NAME, "must be amazon or system")),
    };
    let context = TlsContext::builder().with_trust_store(roots).build();
    let context = context.map_err(|_| SettingError::invalid(NAME, "cannot be loaded"))?;
    Ok(Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .build_https())
}

impl Fault {
    /// What an SDK reports, reduced to what may be logged: never the request, never the raw answer.
    pub(crate) fn of_sdk<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        let cause = match error {
            SdkError::ServiceError(service) => service.err().message().unwrap_or("no message").to_owned(),
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(failure) => failure
                .as_connector_error()
                .map_or_else(|| "not reachable".to_owned(), |error| format!("not reachable: {error}")),
            SdkError::ResponseError(_) => "the answer cannot be read".to_owned(),
            _ => "the request cannot be built".to_owned(),
        };
        let code = error.as_service_error().and_then(|error| error.code()).map(str::to_owned);
        Self { operation, code, cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_credential_or_an_unknown_trust_store_stops_the_start() {
        let complete = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        assert!(config(&complete.into_iter().collect()).is_ok());
        for (missing, _) in complete {
            let rest = complete.into_iter().filter(|(name, _)| *name != missing);
            assert_eq!(config(&rest.collect()).unwrap_err(), SettingError::Missing(missing));
        }
        let odd = complete.into_iter().chain([("SESSION_TLS_ROOTS", "none")]);
        let error = config(&odd.collect()).unwrap_err();
        assert_eq!(error.to_string(), "SESSION_TLS_ROOTS must be amazon or system");
    }

    #[test]
    fn a_request_may_take_three_times_as_long_as_one_attempt() {
        let complete = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        for (setting, attempt) in [("", 1), ("1s", 1), ("20s", 20)] {
            let variables = complete.into_iter().chain([("SESSION_AWS_TIMEOUT", setting)]);
            let config = config(&variables.collect()).unwrap();
            let timeouts = config.timeout_config().unwrap();
            let seconds = [timeouts.operation_attempt_timeout(), timeouts.operation_timeout()];
            assert_eq!(seconds.map(|time| time.unwrap().as_secs()), [attempt, 3 * attempt], "{setting}");
        }
        let short = complete.into_iter().chain([("SESSION_AWS_TIMEOUT", "900ms")]);
        assert_eq!(config(&short.collect()).unwrap_err().to_string(), "SESSION_AWS_TIMEOUT must be at least 1s");
    }
}
