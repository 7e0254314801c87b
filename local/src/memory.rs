//! What a process has held.

use std::{fs::read_to_string, io};

/// The most memory that a process ever had resident, in bytes (`VmHWM` in proc(5)).
///
/// # Errors
/// When the process is gone, or the system does not tell.
pub fn peak(process: u32) -> io::Result<u64> {
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim_end_matches("kB").trim().parse::<u64>().ok());
    Ok(kibibytes.ok_or(io::ErrorKind::InvalidData)? * 1_024)
}
