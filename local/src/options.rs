//! The command line.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use clap::Parser;

/// Runs the whole stack on this machine.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Port of the API and the demo page; 0 takes any that is free
    #[arg(long, default_value_t = 3000)]
    pub port: u16,

    /// Port of the embedded DynamoDB; 0 takes any that is free
    #[arg(long, default_value_t = 8000)]
    pub dynamodb_port: u16,

    /// Address that the embedded DynamoDB listens on: a bridge's, for containers to reach it
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    pub dynamodb_host: IpAddr,

    /// Folder of the table and the master secret
    #[arg(long, value_name = "DIR", default_value = ".local")]
    pub data: PathBuf,

    /// Keep everything in memory, for this run only
    #[arg(long)]
    pub memory: bool,

    /// Folder of the demo page
    #[arg(long, value_name = "DIR", default_value = "client/demo/dist")]
    pub page: PathBuf,

    /// Use this DynamoDB in place of the embedded one, with AWS credentials from where the AWS CLI finds them
    #[arg(long, value_name = "URL")]
    pub dynamodb_endpoint: Option<String>,
}
