//! Keys of attributes that mean something to everybody: reserved ones, those that are written once, those with values that say nothing. Reserved keys
//! that came after this release are kept; they count as custom ones.

/// Reserved keys.
pub const RESERVED: &[&str] = &[
    "$ad",
    "$adGroup",
    "$adjustId",
    "$airbridgeDeviceId",
    "$airshipChannelId",
    "$amazonAdId",
    "$amplitudeDeviceId",
    "$amplitudeUserId",
    "$androidId",
    "$apnsTokens",
    "$appleAdsAdGroupId",
    "$appleAdsCampaignId",
    "$appleAdsKeywordId",
    "$appleRefundHandlingPreference",
    "$appsflyerId",
    "$appsflyerSharingFilter",
    "$attConsentStatus",
    "$branchId",
    "$brazeAliasLabel",
    "$brazeAliasName",
    "$campaign",
    "$clevertapId",
    "$creative",
    "$customerioId",
    "$deviceVersion",
    "$displayName",
    "$email",
    "$fbAnonId",
    "$fcmTokens",
    "$firebaseAppInstanceId",
    "$gpsAdId",
    "$idfa",
    "$idfv",
    "$intercomContactId",
    "$ip",
    "$iterableCampaignId",
    "$iterableTemplateId",
    "$iterableUserId",
    "$keyword",
    "$kochavaDeviceId",
    "$mediaSource",
    "$mixpanelDistinctId",
    "$mparticleId",
    "$onesignalId",
    "$onesignalUserId",
    "$phoneNumber",
    "$posthogUserId",
    "$segmentId",
    "$solarEngineAccountId",
    "$solarEngineDistinctId",
    "$solarEngineVisitorId",
    "$telemetryDeckAppId",
    "$telemetryDeckUserId",
    "$tenjinId",
];

/// Keys that cannot change once they are set.
pub(super) const WRITTEN_ONCE: &[&str] = &[
    "$ad",
    "$adGroup",
    "$androidId",
    "$campaign",
    "$creative",
    "$gpsAdId",
    "$idfa",
    "$idfv",
    "$ip",
    "$keyword",
    "$mediaSource",
];

/// Advertising ids, which are all zeros where tracking is not allowed. Source: Apple, `advertisingIdentifier`; Google, "Advertising ID".
const ADVERTISING_IDS: &[&str] = &["$amazonAdId", "$gpsAdId", "$idfa"];

/// The address that a client has.
pub const IP: &str = "$ip";
/// What a client runs on.
pub const DEVICE_VERSION: &str = "$deviceVersion";

/// What client SDKs write for [`IP`] and [`DEVICE_VERSION`]: whoever takes the request in fills in what it shows.
pub const FROM_REQUEST: &str = "true";

/// Whether a value of this key stands for none.
pub(super) fn says_nothing(key: &str, value: &str) -> bool {
    let is_zero = || !value.is_empty() && value.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    match key {
        IP | DEVICE_VERSION => value == FROM_REQUEST,
        key => ADVERTISING_IDS.contains(&key) && is_zero(),
    }
}

/// Whether a key is none of those that every release knows: so many of them a customer may have.
pub(super) fn is_counted(key: &str) -> bool {
    RESERVED.binary_search(&key).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_keys_are_sorted() {
        assert!(RESERVED.is_sorted());
    }
}
