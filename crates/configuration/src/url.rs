//! URLs that people enter.

use destinations::check_url;

/// Why a text is no URL that can be asked: `http` or `https`, a host, perhaps a port; no credentials, and no fragment.
pub fn url_problem(text: &str) -> Option<String> {
    let mut problems = Vec::new();
    check_url("url", Some(text), &mut problems);
    problems.pop().map(|invalid| invalid.problem)
}
