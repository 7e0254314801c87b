//! The whole of it on real parts: use cases on the embedded DynamoDB at given instants, and the running stack over HTTP.

#![expect(clippy::indexing_slicing, reason = "a member that is not there fails the test, as it should")]

mod api;
mod attempts;
mod audit;
mod authorize;
mod budgets;
mod conversation;
mod dashboard;
mod databases;
mod demo;
mod deployment;
mod edge;
mod emulator;
mod events;
mod exchange;
mod faults;
mod forgetting;
mod guard;
mod id_tokens;
mod idle;
mod input;
mod instructions;
mod key_rotation;
mod limits;
mod newer_builds;
mod observed;
mod openid_provider;
mod permissions;
mod process;
mod properties;
mod proxy;
mod reconnect;
mod remember;
mod replay;
mod rotation;
mod rs256;
mod runtime_api;
mod secret_rotation;
mod secrets;
mod stale_reads;
mod stolen;
mod template;
mod vault;
mod world;

/// What a test returns: the first thing that did not work ends it.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
