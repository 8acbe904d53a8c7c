//! Settings that each platform has of its own.

use super::who::{Platform, Who};
use crate::Unsendable;

impl Who<'_> {
    /// The platform of the app that something was bought in. What was bought in none is unsupported.
    pub(crate) fn app_platform(self) -> Result<Platform, Unsendable> {
        match self.platform() {
            Platform::Web => Err(Unsendable::unsupported(
                "it was bought in no app for iOS or Android, and others are not known there",
            )),
            platform => Ok(platform),
        }
    }
}

/// Two settings of the same meaning, with their names: for apps on iOS, and on Android.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PerPlatform<'a, T: ?Sized> {
    /// Name and value for iOS.
    pub(crate) ios: (&'static str, Option<&'a T>),
    /// Name and value for Android.
    pub(crate) android: (&'static str, Option<&'a T>),
}

impl<'a, T: ?Sized> PerPlatform<'a, T> {
    /// The platform of a customer, and the setting for it. A test takes a platform that is set up. What was bought in no app is unsupported,
    /// and a setting that is not there is named.
    pub(crate) fn of(self, who: Who<'_>) -> Result<(Platform, &'a T), Unsendable> {
        let only_android = self.ios.1.is_none() && self.android.1.is_some();
        let platform = match who.app_platform()? {
            Platform::Ios if who.is_nobody() && only_android => Platform::Android,
            platform => platform,
        };
        let (name, value) = match platform {
            Platform::Android => self.android,
            Platform::Ios | Platform::Web => self.ios,
        };
        let value = value.ok_or_else(|| Unsendable::lacks_setting(name))?;
        Ok((platform, value))
    }
}
