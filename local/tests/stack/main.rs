//! The whole of it on real parts: use cases on the embedded DynamoDB at given instants, and the running stack over HTTP.

#![expect(clippy::indexing_slicing, reason = "a member that is not there fails the test, as it should")]

mod api;
mod attempts;
mod audit;
mod authorize;
mod budgets;
mod clocks;
mod contract;
mod conversation;
mod csrf;
mod dashboard;
mod databases;
mod demo;
mod edge;
mod events;
mod exchange;
mod faults;
mod forgetting;
mod guard;
mod id_tokens;
mod idle;
mod input;
mod instructions;
mod kept;
mod key_rotation;
mod limits;
mod newer_builds;
mod observed;
mod openid_provider;
mod permissions;
mod process;
mod properties;
mod reconnect;
mod remember;
mod replay;
mod rotation;
mod rs256;
mod secret_rotation;
mod secrets;
mod skew;
mod stale_reads;
mod stolen;
mod template;
mod vault;
mod world;

pub(crate) use harness::Outcome;

/// Whatever has not ended by then never will, however busy the machine is.
pub(crate) const FOR_EVER: std::time::Duration = std::time::Duration::from_mins(2);
