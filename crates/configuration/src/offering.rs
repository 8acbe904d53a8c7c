//! Offerings as they should be.

use crate::{
    Given,
    audience::version,
    desired::{Desired, DesiredOffering, DesiredPackage},
    planner::Planner,
};
use domain::name::{beginning, is_plain};
use ledger::{Audience, ConfigurationChange, Offering, Package};
use std::collections::BTreeSet;

/// Packages of one offering.
const MOST_PACKAGES: usize = 100;
/// Bytes of what clients are to know beside an offering, as JSON.
const MOST_METADATA: usize = 32 << 10;
/// Longest id of a package or of a product.
const LONGEST_ID: usize = 255;

/// What clients run on. Source: `X-Platform` as purchases-ios (`SystemInfo.platformHeader`), purchases-android (`Store`) and purchases-js send it.
pub const PLATFORMS: [&str; 10] = [
    "ios",
    "macos",
    "uikitformac",
    "tvos",
    "watchos",
    "visionos",
    "android",
    "amazon",
    "web",
    "stripe",
];

/// What is wrong with an id, if anything.
fn id_problem(id: &str) -> Option<String> {
    let is_id = !id.trim().is_empty() && id.len() <= LONGEST_ID && is_plain(id);
    (!is_id).then(|| {
        format!(
            "{:?} is no id: use 1 to {LONGEST_ID} bytes of text in one line",
            beginning(id)
        )
    })
}

impl Planner<'_> {
    pub(crate) fn offering(&mut self, key: &str, desired: &DesiredOffering) {
        let path = ["offerings", key];
        if key.contains('/') {
            self.problem(
                &path,
                "has a slash, which ends a part of the URLs that name it",
            );
        } else if let Some(problem) = id_problem(key) {
            self.problem(&path, problem);
        }
        let (means, project) = (self.means, self.project);
        let mut offerings = means.current.offerings.iter();
        let known = offerings.find(|known| known.project == project && known.key == key);
        let name = self.name(&path, &desired.name, known.map(|known| &known.name), key);
        let packages = match &desired.packages {
            Given::Set(packages) => self.packages(key, packages),
            Given::Keep => known
                .map(|known| known.packages.clone())
                .unwrap_or_default(),
            Given::Default => Vec::new(),
        };
        let metadata = desired.metadata.over(known.map(|known| &known.metadata));
        let metadata = metadata.unwrap_or_default();
        let size = serde_json::to_string(&metadata).map_or(0, |text| text.len());
        if size > MOST_METADATA {
            let why = format!("has {size} bytes; clients are told at most {MOST_METADATA}");
            self.problem(&["offerings", key, "metadata"], why);
        }
        let audience = match &desired.audience {
            Given::Set(wanted) => {
                let wanted = Audience::from(wanted.clone());
                self.audience(key, &wanted);
                Some(wanted)
            }
            Given::Keep => known.and_then(|known| known.audience.clone()),
            Given::Default => None,
        };
        let wanted = Offering {
            project,
            key: key.into(),
            name,
            packages,
            metadata,
            audience,
        };
        self.step(
            format!("offering {key}"),
            known,
            wanted,
            ConfigurationChange::PutOffering,
        );
    }

    fn packages(&mut self, key: &str, desired: &[DesiredPackage]) -> Vec<Package> {
        let path = ["offerings", key, "packages"];
        if desired.len() > MOST_PACKAGES {
            let why = format!("has {}; at most {MOST_PACKAGES}", desired.len());
            self.problem(&path, why);
        }
        let mut seen = BTreeSet::new();
        for package in desired {
            let products = package.products();
            let ids = [&package.id].into_iter().chain(products.values());
            for problem in ids.filter_map(|id| id_problem(id)) {
                self.problem(&path, problem);
            }
            if !seen.insert(&package.id) {
                let why = format!("{:?} is there twice", beginning(&package.id));
                self.problem(&path, why);
            }
            if products.is_empty() {
                let why = format!(
                    "{:?} has no product: say app_store, play_store, stripe or external",
                    beginning(&package.id)
                );
                self.problem(&path, why);
            }
        }
        let packages = desired.iter().map(|package| Package {
            id: package.id.clone(),
            products: package.products(),
        });
        packages.collect()
    }

    fn audience(&mut self, key: &str, wanted: &Audience) {
        let path = ["offerings", key, "audience"];
        let is_country = |text: &&String| {
            text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase())
        };
        for country in wanted.countries.iter().filter(|text| !is_country(text)) {
            let why = format!("{:?} is no country of two letters", beginning(country));
            self.problem(&path, why);
        }
        for platform in &wanted.platforms {
            if !PLATFORMS.contains(&platform.as_str()) {
                let why = format!(
                    "{:?} is no platform: one of {}",
                    beginning(platform),
                    PLATFORMS.join(", ")
                );
                self.problem(&path, why);
            }
        }
        for text in [&wanted.from_version, &wanted.to_version]
            .into_iter()
            .flatten()
        {
            if version(text).is_none() {
                let why = format!("{:?} is no release: numbers with dots", beginning(text));
                self.problem(&path, why);
            }
        }
    }

    /// The offering that everybody is shown has to be there.
    pub(crate) fn current_offering(&mut self, desired: &Desired, current: Option<&String>) {
        let Some(key) = current else { return };
        let mut known = self.means.current.offerings.iter();
        let is_known = known.any(|known| known.project == self.project && known.key == *key);
        if !is_known && !desired.offerings.contains_key(key) {
            let why = format!("there is no offering {:?}", beginning(key));
            self.problem(&["project", "current_offering"], why);
        }
    }
}
