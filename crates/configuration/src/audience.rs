//! Who is shown which offering.

use ledger::{Audience, Offering};

/// What a client says of itself, as far as it does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asker<'a> {
    /// The country of its store, by two letters.
    pub country: Option<&'a str>,
    /// What it runs on, in whatever letters: `iOS`, `android`.
    pub platform: Option<&'a str>,
    /// The release of the app.
    pub version: Option<&'a str>,
}

/// The numbers of a release, most significant first, without zeros at the end: `2.10.0` is `2.10`. `None` where one does not begin with a number.
///
/// What follows the numbers (`-beta`, a build in brackets) does not count.
pub(crate) fn version(text: &str) -> Option<Vec<u64>> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (numbers, _) = text.split_at(end.unwrap_or(text.len()));
    let parts = numbers.trim_end_matches('.').split('.');
    let mut parts: Vec<u64> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    while parts.last() == Some(&0) {
        parts.pop();
    }
    Some(parts)
}

/// Whether something that is said is one of those listed; without a list anything is.
fn is_listed(listed: &[String], said: Option<&str>) -> bool {
    let is_said = |listed: &String| said.is_some_and(|said| listed.eq_ignore_ascii_case(said));
    listed.is_empty() || listed.iter().any(is_said)
}

/// Whether somebody is of an audience.
fn holds(audience: &Audience, asker: &Asker<'_>) -> bool {
    let release = asker.version.and_then(version);
    let bound = |text: &Option<String>| text.as_deref().and_then(version);
    let is_from = bound(&audience.from_version)
        .is_none_or(|from| release.as_ref().is_some_and(|release| *release >= from));
    let is_to = bound(&audience.to_version)
        .is_none_or(|to| release.as_ref().is_some_and(|release| *release <= to));
    is_listed(&audience.countries, asker.country)
        && is_listed(&audience.platforms, asker.platform)
        && is_from
        && is_to
}

/// Of these offerings the one that is meant for a client in particular: that of the lowest rank, and of one rank the first of the list.
pub fn meant_for<'a>(
    offerings: impl Iterator<Item = &'a Offering>,
    asker: &Asker<'_>,
) -> Option<&'a Offering> {
    let ranked = offerings.filter_map(|offering| {
        let audience = offering.audience.as_ref()?;
        holds(audience, asker).then_some((audience.rank, offering))
    });
    // Of equals `min_by_key` takes the first.
    ranked
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, offering)| offering)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ProjectId;
    use serde_json::Map;
    use uuid::Uuid;

    fn offering(key: &str, audience: Option<Audience>) -> Offering {
        Offering {
            project: ProjectId::new(Uuid::nil()),
            key: key.into(),
            name: key.into(),
            packages: Vec::new(),
            metadata: Map::new(),
            audience,
        }
    }

    fn check(audience: Audience, asker: Asker<'_>, expected: bool) {
        assert_eq!(holds(&audience, &asker), expected, "{audience:?} {asker:?}");
    }

    #[test]
    fn all_that_is_asked_has_to_be_said_and_to_hold() {
        let said = Asker {
            country: Some("DE"),
            platform: Some("iOS"),
            version: Some("2.10.0"),
        };
        let listed = |countries: &[&str], platforms: &[&str]| Audience {
            countries: countries.iter().map(|text| (*text).into()).collect(),
            platforms: platforms.iter().map(|text| (*text).into()).collect(),
            ..Audience::default()
        };
        let between = |from: Option<&str>, to: Option<&str>| Audience {
            from_version: from.map(str::to_owned),
            to_version: to.map(str::to_owned),
            ..Audience::default()
        };
        for (audience, expected) in [
            (Audience::default(), true),
            (listed(&["AT", "DE"], &[]), true),
            (listed(&["AT"], &[]), false),
            (listed(&[], &["ios"]), true),
            (listed(&["DE"], &["android"]), false),
            (between(Some("2.9"), None), true),
            (between(Some("2.10"), Some("2.10")), true),
            (between(Some("2.10.1"), None), false),
            (between(None, Some("2.9.9")), false),
            (between(None, Some("3")), true),
        ] {
            check(audience, said, expected);
        }
        for audience in [
            listed(&["DE"], &[]),
            listed(&[], &["ios"]),
            between(Some("0"), None),
            between(None, Some("99")),
        ] {
            check(audience, Asker::default(), false);
        }
    }

    #[test]
    fn a_release_is_its_numbers() {
        for (text, expected) in [
            ("1.2.3", Some(vec![1, 2, 3])),
            ("1.2.0", Some(vec![1, 2])),
            ("2.0-beta.3", Some(vec![2])),
            ("17.5 (Build 3)", Some(vec![17, 5])),
            ("beta", None),
            ("", None),
            ("1..2", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[test]
    fn the_lowest_rank_wins_and_then_the_first() {
        let ranked = |rank| {
            Some(Audience {
                rank,
                ..Audience::default()
            })
        };
        let all = [
            offering("everybody", None),
            offering("late", ranked(9)),
            offering("early", ranked(1)),
            offering("equal", ranked(1)),
        ];
        let meant = meant_for(all.iter(), &Asker::default());
        assert_eq!(meant.map(|offering| offering.key.as_str()), Some("early"));
    }
}
