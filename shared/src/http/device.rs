//! What a user recognises a session by: its browser and its network, both shortened.

use std::net::IpAddr;

use lambda_http::{Request, RequestExt, http::header::USER_AGENT, request::RequestContext};

/// Bytes kept of a user agent; with the label it is what makes a session item large.
const USER_AGENT_BYTES: usize = 128;

/// Browsers by what their user agent contains. The first match wins: every one of them also claims to be the later ones.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems by what a user agent contains; the first match wins.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The beginning of the user agent.
    pub user_agent: Option<String>,
    /// The network as a prefix: /24 of IPv4, /56 of IPv6, which is what one household has.
    pub network: Option<String>,
}

impl Device {
    /// Reads the request. The address is the one that API Gateway saw; headers that claim another change nothing (ASVS 4.1.3).
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let address = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
            _ => None,
        };
        Self {
            user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_BYTES).collect()),
            network: address.and_then(|address| address.parse().ok()).map(prefix),
        }
    }

    /// A label such as "Firefox on Linux", for a client that gives none.
    #[must_use]
    pub fn label(&self) -> Option<String> {
        let user_agent = self.user_agent.as_deref()?;
        let named = |names: &[(&str, &'static str)]| {
            names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
        };
        match (named(&BROWSERS), named(&SYSTEMS)) {
            (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
            (Some(name), None) | (None, Some(name)) => Some(name.to_owned()),
            (None, None) => None,
        }
    }
}

fn prefix(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/56", std::net::Ipv6Addr::new(a, b, c, d & 0xff00, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};

    use super::*;

    #[test]
    fn a_browser_is_labelled_by_its_user_agent() {
        for (user_agent, label) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", Some("Firefox on Linux")),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile Safari/604.1",
                Some("Safari on iPhone"),
            ),
            ("curl/8.5.0", None),
        ] {
            let request = http::Request::builder().header(USER_AGENT, user_agent).body(Body::Empty).unwrap();
            assert_eq!(Device::of(&request).label().as_deref(), label, "{user_agent}");
        }
    }

    #[test]
    fn an_address_is_kept_as_the_network_of_a_household() {
        for (address, network) in
            [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:23ff:4:5:6:7", "2001:db8:1:2300::/56")]
        {
            assert_eq!(prefix(address.parse().unwrap()), network);
        }
    }

    #[test]
    fn a_long_user_agent_is_cut() {
        let request = http::Request::builder().header(USER_AGENT, "x".repeat(4096)).body(Body::Empty).unwrap();
        assert_eq!(Device::of(&request).user_agent, Some("x".repeat(128)));
    }
}
