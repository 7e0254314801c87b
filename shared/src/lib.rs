//! Sessions for browser apps on AWS Lambda: what the functions have in common.
//!
//! # Layout
//! Arrows point down only; `tests/architecture.rs` asserts it.
//!
//! | modules | what they know |
//! |---|---|
//! | [`http`] | requests, answers, status codes |
//! | [`connect`], [`reconnect`], [`validate`], [`refresh`], [`end`], [`list`], [`record`], [`rotate_secret`] | one use case each |
//! | [`opening`], [`authenticator`] | what opening a session takes, and who may |
//! | [`issuer`], [`verifier`], `secret_keys`, [`public_keys`] | what a role of functions holds |
//! | [`store`] | the table |
//! | `secret_source`, `aws`, [`report`], [`error`] | how AWS is reached, what operators are told, what can go wrong |
//! | [`access_token`], [`policy`], [`lifecycle`], [`stored_credential`], [`audit`], [`attempts`], [`seal`], [`rotating_token`], [`credential`] | the rules |
//! | `keys`, `master_secret`, [`identity`], [`settings`], [`invocation`], [`unknown_name`], [`unix_time`], [`random`] | the ground |
//!
//! Below `http`, time and randomness are arguments.

pub mod access_token;
pub mod attempts;
pub mod audit;
pub mod authenticator;
pub mod authorize;
mod aws;
pub mod connect;
pub mod credential;
pub mod end;
pub mod error;
pub mod http;
pub mod identity;
pub mod invocation;
pub mod issuer;
pub mod keys;
pub mod lifecycle;
pub mod list;
pub mod master_secret;
pub mod opening;
pub mod policy;
pub mod public_keys;
pub mod random;
pub mod reconnect;
pub mod record;
pub mod refresh;
pub mod report;
pub mod rotate_secret;
pub mod rotating_token;
pub mod seal;
pub mod secret_keys;
pub mod secret_source;
pub mod settings;
mod sha256;
pub mod store;
pub mod stored_credential;
mod tls;
pub mod unix_time;
pub mod unknown_name;
pub mod validate;
pub mod verifier;
