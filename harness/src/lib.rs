//! What tests and benchmarks share: functions under a Runtime API, a table behind a proxy, and clients.
//!
//! | module | what it has |
//! |---|---|
//! | [`budgets`] | every figure that tests and benchmarks hold the functions to |
//! | [`conversation`] | a client of the service, over HTTP |
//! | [`deployment`] | the functions of one build in processes of their own, behind an HTTP API |
//! | [`local_stack`] | `make run` in a process of its own |
//! | [`function`], [`callgrind`] | one function's process, and what it costs |
//! | [`emulator`], [`proxy`] | the table, and what stands in front of it to count, to bill and to break |
//! | [`binaries`], [`earlier`], [`clock`], [`recorded`] | what is run, what time it shows, and with which events |

#![expect(clippy::missing_errors_doc, reason = "every error ends the test or the run and says what does not work")]
#![expect(clippy::indexing_slicing, reason = "a member of an event or an answer that is not there reads as null")]

pub mod bill;
pub mod binaries;
pub mod budgets;
pub mod callgrind;
pub mod clock;
pub mod conversation;
pub mod deployment;
pub mod earlier;
pub mod emulator;
mod forward;
pub mod function;
pub mod local_stack;
pub mod proxy;
pub mod recorded;
mod runtime_api;

/// The first thing that does not work ends a test or a run.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
