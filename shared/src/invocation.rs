//! What a call of a function is known by.

/// The names of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The id that Lambda gave it; the same when it is repeated.
    pub request_id: &'a str,
    /// The X-Ray trace that it belongs to, as the header `X-Amzn-Trace-Id` says it.
    pub trace_id: Option<&'a str>,
}
