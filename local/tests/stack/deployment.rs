//! Functions in processes of their own, as deployed, each behind a proxy of its own to the one table.

use std::collections::BTreeMap;

use axum::body::Bytes;
use local::recorded;
use serde_json::Value;

use crate::{Outcome, emulator::Emulator, events::deployed, proxy::Proxy, runtime_api::Bootstrap};

/// Running functions by name.
pub(crate) struct Deployment {
    /// Their table.
    pub(crate) emulator: Emulator,
    functions: BTreeMap<String, (Proxy, Bootstrap)>,
}

impl Deployment {
    /// An empty table; functions start with their first event.
    pub(crate) async fn start() -> Outcome<Self> {
        Ok(Self { emulator: Emulator::start().await?, functions: BTreeMap::new() })
    }

    /// Hands the function a recorded event, changed; its answer.
    pub(crate) async fn invoke(&mut self, name: &str, change: impl FnOnce(&mut Value)) -> Outcome<Value> {
        let function = name.split('/').next().unwrap_or_default();
        if !self.functions.contains_key(function) {
            let proxy = Proxy::start(format!("http://{}", self.emulator.embedded.address)).await?;
            let mut settings = deployed(&self.emulator);
            settings.set("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", proxy.address));
            let running = Bootstrap::start(function, &settings).await?;
            self.functions.insert(function.to_owned(), (proxy, running));
        }
        let (_, running) = self.functions.get_mut(function).ok_or("not started")?;
        running.invoke(&recorded::event(name, change)?).await
    }

    /// What each function asked the table for since its start, and the bodies of the requests.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (&str, Vec<(String, Bytes)>)> {
        self.functions.iter().map(|(name, (proxy, _))| (name.as_str(), proxy.take_requests()))
    }
}
