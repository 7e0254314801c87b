//! The whole stack: started from options and settings, stopped when it is told to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::config::ProvideCredentials;
use session::{issuer::StartError, settings::Variables, store::client};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    database::{DatabaseError, Embedded, create_table},
    gateway::Gateway,
    master_secret,
    options::Options,
    template::{Template, TemplateError},
};

/// A stack that runs.
pub struct Stack {
    /// Where the API and the demo page are.
    pub address: SocketAddr,
    /// Where DynamoDB is.
    pub dynamodb: String,
    /// The embedded DynamoDB, unless another one is used.
    pub embedded: Option<Embedded>,
    serving: JoinHandle<()>,
    recording: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

/// Why the stack does not run.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A port cannot be had.
    #[error("port {port} cannot be used ({cause}): choose another with {option}")]
    Port {
        /// The port.
        port: u16,
        /// The option that chooses it.
        option: &'static str,
        /// What the system says.
        cause: io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Folder(io::Error),
    /// There are no credentials for the DynamoDB that was asked for.
    #[error("no AWS credentials for --dynamodb-endpoint: {0}")]
    Credentials(String),
    /// See [`TemplateError`].
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// See [`DatabaseError`].
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// See [`StartError`].
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Stack {
    /// Starts everything. `environment` wins over the template's defaults.
    ///
    /// # Errors
    /// [`StackError`] when any part cannot be started.
    pub async fn start(options: &Options, environment: &Variables) -> Result<Self, StackError> {
        let mut template = Template::read()?;
        let (stop, stopped) = watch::channel(false);
        let api = listen(Ipv4Addr::LOCALHOST.into(), options.port, "--port").await?;
        let address = api.local_addr().map_err(StackError::Folder)?;
        if !options.memory {
            std::fs::create_dir_all(&options.data).map_err(StackError::Folder)?;
        }
        let mut settings = settings(&template, address, options, environment)?;
        let (embedded, dynamodb) = if let Some(endpoint) = &options.dynamodb_endpoint {
            copy_credentials(environment, &mut settings).await?;
            (None, endpoint.clone())
        } else {
            let listener =
                listen(options.dynamodb_host, options.dynamodb_port, "--dynamodb-host or --dynamodb-port").await?;
            let file = (!options.memory).then(|| options.data.join("dynamodb.sqlite"));
            let embedded = Embedded::start(file.as_deref(), listener, stopped.clone())?;
            // The embedded DynamoDB takes any credentials, but a request must be signed with some.
            for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
                settings.set(name, "local");
            }
            let address = format!("http://{}", embedded.address);
            (Some(embedded), address)
        };
        settings.set("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.as_str());
        template.table.name = settings.get("SESSION_TABLE").unwrap_or_default().to_owned();
        let table = client(&settings).map_err(StartError::Setting)?;
        create_table(&table, &template.table).await?;
        // Another DynamoDB's stream is read where that table is deployed.
        let stream = embedded.as_ref().map(|embedded| embedded.stream(&template.table)).transpose()?;
        template.cors.origins =
            settings.list("SESSION_ORIGINS").unwrap_or_default().into_iter().map(str::to_owned).collect();
        let gateway = Gateway::start(template, settings, table, options.page.clone()).await?;
        let service = gateway.into_router().into_make_service_with_connect_info::<SocketAddr>();
        let mut stopped = stopped;
        let serving = tokio::spawn(async move {
            let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
            if let Err(error) = axum::serve(api, service).with_graceful_shutdown(stopped).await {
                tracing::error!(event = "gateway_failed", "{error}");
            }
        });
        let recording = stream.map(|stream| tokio::spawn(stream.record()));
        Ok(Self { address, dynamodb, embedded, serving, recording, stop })
    }

    /// Answers the requests that are under way, then closes everything.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
        if let Some(recording) = self.recording {
            recording.abort();
        }
        if let Some(embedded) = self.embedded {
            embedded.stopped().await;
        }
    }
}

/// The template's defaults, what only this machine knows, and over both what the environment says.
fn settings(
    template: &Template,
    address: SocketAddr,
    options: &Options,
    environment: &Variables,
) -> Result<Variables, StackError> {
    let mut settings: Variables =
        template.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let url = format!("http://{address}");
    let own = [url.clone(), format!("http://localhost:{}", address.port())];
    let origins = own.iter().chain(&template.cors.origins).map(String::as_str).collect::<Vec<_>>().join(",");
    settings.set("SESSION_ORIGINS", origins);
    settings.set("SESSION_ISSUER", url.as_str());
    settings.set("SESSION_AUDIENCE", url);
    settings.set("SESSION_TABLE", template.table.name.as_str());
    if environment.get("SESSION_SECRET").is_none() {
        let secret = if options.memory { master_secret::fresh() } else { master_secret::kept_in(&options.data) };
        settings.set("SESSION_SECRET", secret.map_err(StackError::Folder)?);
    }
    for (name, value) in environment.iter().filter(|(name, value)| !value.is_empty() && is_setting(name)) {
        settings.set(name, value);
    }
    Ok(settings)
}

fn is_setting(name: &str) -> bool {
    ["SESSION_", "CONNECT_", "OIDC_", "LEGACY_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Credentials and region from where the AWS CLI finds them: the environment, then profiles, single sign-on, roles.
async fn copy_credentials(environment: &Variables, settings: &mut Variables) -> Result<(), StackError> {
    if environment.get("AWS_ACCESS_KEY_ID").is_some() {
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            settings.set(name, environment.get(name).unwrap_or_default());
        }
        return Ok(());
    }
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let provider = config.credentials_provider().ok_or_else(|| StackError::Credentials("none found".to_owned()))?;
    let credentials =
        provider.provide_credentials().await.map_err(|error| StackError::Credentials(error.to_string()))?;
    settings.set("AWS_ACCESS_KEY_ID", credentials.access_key_id());
    settings.set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
    settings.set("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default());
    settings.set("AWS_REGION", config.region().map_or("us-east-1", |region| region.as_ref()));
    Ok(())
}

async fn listen(host: IpAddr, port: u16, option: &'static str) -> Result<TcpListener, StackError> {
    TcpListener::bind((host, port)).await.map_err(|cause| StackError::Port { port, option, cause })
}
