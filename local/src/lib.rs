//! API Gateway, the table and the functions on one machine.
//!
//! Routes, table, default environment and CORS are read from `template.yaml`, and every HTTP request becomes the event
//! that API Gateway would send, so that what runs here is what is deployed.

mod cors;
pub mod database;
mod demo;
pub mod event;
mod functions;
mod gateway;
mod master_secret;
pub mod options;
pub mod routes;
pub mod stack;
pub mod stream;
pub mod template;
