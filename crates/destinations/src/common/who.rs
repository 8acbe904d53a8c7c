//! Whom an event is about: the names that a vendor knows the customer by, what identifies the device, and what the customer consents to.

use crate::{Now, Unsendable};
use domain::{Event, EventKind, Store};
use serde_json::Value;
use std::{collections::BTreeSet, net::IpAddr};

/// What a customer said to being followed across apps. Source: Apple, `ATTrackingManager.AuthorizationStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Att {
    /// Was not asked, or nobody knows.
    Unknown,
    /// May not be asked.
    Restricted,
    /// No.
    Denied,
    /// Yes.
    Authorized,
}

impl Att {
    /// Apple's own number.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Restricted => 1,
            Self::Denied => 2,
            Self::Authorized => 3,
        }
    }
}

/// What the customer's device runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// iOS, iPadOS.
    Ios,
    /// Android.
    Android,
    /// Neither, or nobody knows.
    Web,
}

/// Whom an event is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    event: &'a Event,
    now: Now<'a>,
    withheld: &'a BTreeSet<String>,
}

/// Attributes that identify a device: they go where a vendor asks for them by name, and nowhere else.
const OF_DEVICES: [&str; 10] = [
    "$amazonAdId",
    "$androidId",
    "$apnsTokens",
    "$attConsentStatus",
    "$deviceVersion",
    "$fcmTokens",
    "$gpsAdId",
    "$idfa",
    "$idfv",
    "$ip",
];

impl<'a> Who<'a> {
    pub(super) const fn new(
        event: &'a Event,
        now: Now<'a>,
        withheld: &'a BTreeSet<String>,
    ) -> Self {
        Self {
            event,
            now,
            withheld,
        }
    }

    /// The app's name for the customer.
    pub(crate) fn app_user_id(self) -> &'a str {
        &self.event.customer.app_user_id
    }

    /// An attribute, where it says something and may leave: empty ones, identifiers of nothing but zeros, and the identifier for advertisers of
    /// who said no are absent. A test is about nobody, who has all that a vendor may ask for.
    pub(crate) fn attribute(self, name: &str) -> Option<&'a str> {
        if self.withheld.contains(name) {
            return None;
        }
        let value = self.now.attributes.get(name).map(|value| value.trim());
        let value = value.filter(|value| !value.is_empty() && !is_nothing(name, value));
        let value = value.or_else(|| self.of_nobody(name));
        value.filter(|_| name != "$idfa" || !matches!(self.att(), Att::Denied | Att::Restricted))
    }

    /// The first of these attributes that there is.
    pub(crate) fn first(self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.attribute(name))
    }

    /// An attribute that is a name, unless it is a placeholder.
    pub(crate) fn known(self, attribute: &str) -> Option<&'a str> {
        self.attribute(attribute)
            .filter(|name| !is_placeholder(name))
    }

    /// This attribute, or else the app's name for the customer, for vendors that take placeholders for nobody.
    pub(crate) fn known_as(self, attribute: &str) -> Result<&'a str, Unsendable> {
        self.known(attribute)
            .or_else(|| Some(self.app_user_id()).filter(|name| !is_placeholder(name)))
            .ok_or_else(|| {
                Unsendable::lacks_attribute(format!("{attribute}, and no name but a placeholder"))
            })
    }

    /// The customer's attributes but those that identify devices, and those withheld, by name.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.now.attributes.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(move |(name, _)| !OF_DEVICES.contains(name) && !self.withheld.contains(*name))
    }

    /// The same, called as most call them: `email` of `$email`.
    pub(crate) fn traits(self) -> impl Iterator<Item = (String, Value)> {
        self.attributes().map(|(name, value)| {
            let name = match name {
                "$displayName" => "name",
                "$phoneNumber" => "phone",
                other => other.trim_start_matches('$'),
            };
            (name.to_owned(), value.into())
        })
    }

    /// What the customer said to being followed. Nobody, whom a test is about, said yes.
    pub(crate) fn att(self) -> Att {
        let said = self.now.attributes.get("$attConsentStatus");
        match said.map(|said| said.trim().to_ascii_lowercase()).as_deref() {
            Some("authorized" | "accepted" | "3") => Att::Authorized,
            Some("denied" | "2") => Att::Denied,
            Some("restricted" | "1") => Att::Restricted,
            None if self.is_nobody() => Att::Authorized,
            _ => Att::Unknown,
        }
    }

    /// Whether the customer was asked, or at least somebody says something of it.
    pub(crate) fn has_att(self) -> bool {
        self.now.attributes.contains_key("$attConsentStatus")
    }

    /// The customer's address.
    pub(crate) fn ip(self) -> Option<IpAddr> {
        self.attribute("$ip")?.parse().ok()
    }

    /// The same for vendors that take version 4 alone.
    pub(crate) fn ipv4(self) -> Option<String> {
        self.ip().filter(IpAddr::is_ipv4).map(|ip| ip.to_string())
    }

    /// What the customer's device runs: by the store, or else by what identifies it.
    pub(crate) fn platform(self) -> Platform {
        match self.event.app.as_ref().map(|app| app.store) {
            Some(Store::AppStore) => Platform::Ios,
            Some(Store::PlayStore) => Platform::Android,
            _ if self.is_nobody() => Platform::Ios,
            _ if self.first(&["$idfa", "$idfv"]).is_some() => Platform::Ios,
            _ if self.first(&["$gpsAdId", "$androidId"]).is_some() => Platform::Android,
            _ => Platform::Web,
        }
    }

    /// Whether what is set up for iOS is meant, and not what is for Android. What is of neither goes where something is set up, iOS first.
    pub(crate) fn is_of_ios(self, has_ios: bool, has_android: bool) -> bool {
        match self.platform() {
            _ if self.event.kind == EventKind::Test => has_ios || !has_android,
            Platform::Ios => true,
            Platform::Android => false,
            Platform::Web => has_ios || !has_android,
        }
    }

    /// The version of the system, without its name: `18.5` of `iOS 18.5`.
    pub(crate) fn os_version(self) -> Option<&'a str> {
        let said = self.attribute("$deviceVersion")?;
        said.rsplit(' ')
            .next()
            .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    }

    /// Bundle id or package name of the app: as it is set up, or else as the app of the event says.
    pub(crate) fn bundle(self, ios: Option<&'a str>, android: Option<&'a str>) -> Option<&'a str> {
        let own = match self.platform() {
            Platform::Ios => ios,
            Platform::Android => android,
            Platform::Web => None,
        };
        own.or(self.now.app.bundle.as_deref())
    }

    /// Whether it is about nobody: a test is.
    pub(crate) fn is_nobody(self) -> bool {
        self.event.kind == EventKind::Test
    }

    /// What a test has for an attribute: identifiers that nobody has.
    fn of_nobody(self, name: &str) -> Option<&'static str> {
        if !self.is_nobody() {
            return None;
        }
        Some(match name {
            "$email" => "test@example.com",
            "$ip" => "192.0.2.1",
            "$deviceVersion" => "iOS 18.0",
            "$phoneNumber"
            | "$displayName"
            | "$attConsentStatus"
            | "$appsflyerSharingFilter"
            | "$claimType" => return None,
            _ if name.starts_with('$') => "00000000-0000-4000-8000-000000000001",
            _ => return None,
        })
    }
}

/// Names that programs give to whom they do not know. Source: Mixpanel docs, "Import Events", `distinct_id`; PostHog docs, "Identifying
/// users"; Amplitude docs, "HTTP V2 API", device and user ids.
const PLACEHOLDERS: [&str; 19] = [
    "-1",
    "[]",
    "[object object]",
    "anon",
    "anonymous",
    "distinct_id",
    "distinctid",
    "false",
    "guest",
    "n/a",
    "na",
    "nan",
    "nil",
    "none",
    "null",
    "true",
    "undefined",
    "unknown",
    "{}",
];

fn is_placeholder(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let is_zero = name.chars().all(|letter| letter == '0' || letter == '-');
    is_zero || PLACEHOLDERS.contains(&name.as_str())
}

/// Identifiers that identify nobody: what a device gives that may not say who it is.
fn is_nothing(name: &str, value: &str) -> bool {
    let is_of_device = OF_DEVICES.contains(&name) && name != "$ip" && name != "$deviceVersion";
    is_of_device && value.chars().all(|letter| letter == '0' || letter == '-')
}
