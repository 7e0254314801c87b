//! The routes of the HTTP API, matched as API Gateway does.

use std::collections::BTreeMap;

use crate::template::Route;

/// The route of a request, and the text in place of its `{name}`s.
pub struct Matched<'a> {
    /// The route.
    pub route: &'a Route,
    /// Texts by name.
    pub parameters: BTreeMap<String, String>,
}

/// The route that a request takes, if any. Matches exactly: no other case, no slash more.
#[must_use]
pub fn find<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<Matched<'a>> {
    let mut candidates = routes.iter().filter(|route| route.method == method);
    candidates.find_map(|route| Some(Matched { route, parameters: parameters(&route.path, path)? }))
}

fn parameters(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (patterns, segments) = (pattern.split('/'), path.split('/'));
    if patterns.clone().count() != segments.clone().count() {
        return None;
    }
    let mut parameters = BTreeMap::new();
    for (pattern, segment) in patterns.zip(segments) {
        match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => drop(parameters.insert(name.to_owned(), segment.to_owned())),
            None if pattern == segment => {}
            Some(_) | None => return None,
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_a_route_exactly_or_not_at_all() {
        for (pattern, path, matches) in [
            ("/refresh", "/refresh", true),
            ("/refresh", "/refresh/", false),
            ("/refresh", "//refresh", false),
            ("/refresh", "/Refresh", false),
            ("/refresh", "/a/../refresh", false),
            ("/refresh", "/%72efresh", false),
            ("/sessions/{id}", "/sessions/7", true),
            ("/sessions/{id}", "/sessions/", false),
            ("/sessions/{id}", "/sessions/7/8", false),
        ] {
            assert_eq!(parameters(pattern, path).is_some(), matches, "{pattern} and {path}");
        }
        assert_eq!(parameters("/sessions/{id}", "/sessions/7").unwrap()["id"], "7");
    }
}
