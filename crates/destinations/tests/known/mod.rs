//! Events of a customer that every vendor knows.

use crate::sample;
use domain::{Event, EventKind};

/// What the vendors know the customer by.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("$adjustId", "5e3c1d9b0a7f4e2288aa11bb22cc33dd"),
    ("$airbridgeDeviceId", "3e2f0b7c-51f0-4d39-9b1c-7f3d4f2b8a10"),
    ("$airshipChannelId", "df6a6b50-9843-0304-d5a5-743f246a4946"),
    ("$amplitudeDeviceId", "A1B2C3D4"),
    ("$amplitudeUserId", "amp-1"),
    ("$appleAdsAdGroupId", "542317095"),
    ("$appleAdsCampaignId", "542370539"),
    ("$appleAdsKeywordId", "87675432"),
    ("$appsflyerId", "1609123456789-1234567"),
    ("$appstackId", "as-1"),
    ("$attConsentStatus", "authorized"),
    ("$branchId", "br-1"),
    ("$brazeAliasLabel", "install"),
    ("$brazeAliasName", "device1"),
    ("$clevertapId", "__g8f1"),
    ("$customerioId", "cio-1"),
    ("$deviceVersion", "iOS 18.5"),
    ("$displayName", "Anna"),
    ("$email", "anna@example.com"),
    ("$fbAnonId", "XZ12345678-9ABC-4DEF-8123-456789ABCDEF"),
    ("$firebaseAppInstanceId", "62c0a1b2c3d4e5f60718293a4b5c6d7e"),
    ("$idfa", "6D92078A-8246-4BA4-AE5B-76104861E7DC"),
    ("$idfv", "9B1C7C0E-0F2A-4E56-9D0C-2C0B7A3D5E11"),
    ("$intercomContactId", "63a07ddf05a32042dffac965"),
    ("$ip", "203.0.113.24"),
    ("$iterableUserId", "it-1"),
    ("$kochavaDeviceId", "KI20261120T0930a1b2c3d4"),
    ("$mixpanelDistinctId", "mp-1"),
    ("$mparticleId", "8246135790246813579"),
    ("$onesignalUserId", "3f1c2a54-6f0e-4e0b-9b8e-0d1e2f3a4b5c"),
    ("$phoneNumber", "+1 (415) 555-0100"),
    ("$posthogUserId", "ph-1"),
    ("$singularDeviceId", "40009df0-d618-4d81-9da1-cbb3337b8dec"),
    ("$solarEngineDistinctId", "se-1"),
    ("$telemetryDeckAppId", "AAAA-BBBBBBBB-CCCC-DDDD"),
    ("$telemetryDeckUserId", "c8b3f0e1a5d94c7e"),
    ("$tenjinId", "29eeb1610fe74997b6d53f02e9711f8c"),
    ("favorite", "tea"),
];

/// The sample event of `kind`, of that customer.
pub(crate) fn event(kind: EventKind) -> Event {
    let mut event = sample::event(kind);
    let attributes = ATTRIBUTES.iter();
    let attributes = attributes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    event.customer.attributes = attributes.collect();
    event
}
