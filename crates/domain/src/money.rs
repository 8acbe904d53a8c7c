//! Money: an integer count of micro-units plus an ISO 4217 currency. No floating point anywhere.

use std::fmt;

/// An ISO 4217 currency code: three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A currency code that is not three ASCII letters, or a sum of two currencies, or an overflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters.
    #[error("`{0}` is not an ISO 4217 currency code (three letters)")]
    Currency(String),
    /// Two different currencies were combined.
    #[error("cannot combine {0} and {1}")]
    Mixed(Currency, Currency),
    /// The result does not fit 64 bits of micro-units.
    #[error("amount is out of range")]
    Overflow,
}

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code, upper case.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the decimal point, per ISO 4217. Source: ISO 4217 list one; two where not listed.
    pub fn exponent(self) -> u32 {
        match self.code() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }

    /// The sign written before an amount, where one is unambiguous to an English reader.
    fn sign(self) -> Option<&'static str> {
        Some(match self.code() {
            "USD" => "$",
            "EUR" => "€",
            "GBP" => "£",
            "JPY" => "¥",
            "INR" => "₹",
            "KRW" => "₩",
            "TRY" => "₺",
            "ILS" => "₪",
            "VND" => "₫",
            "UAH" => "₴",
            "BRL" => "R$",
            "AUD" => "A$",
            "CAD" => "CA$",
            "MXN" => "MX$",
            "NZD" => "NZ$",
            "HKD" => "HK$",
            "TWD" => "NT$",
            "CNY" => "CN¥",
            _ => return None,
        })
    }
}

impl TryFrom<&str> for Currency {
    type Error = MoneyError;
    fn try_from(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Ok(Self([a, b, c].map(u8::to_ascii_uppercase)))
            }
            _ => Err(MoneyError::Currency(text.chars().take(16).collect())),
        }
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::try_from(text.as_ref()).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let code = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        code.pattern(Some("^[A-Z]{3}$"))
            .description(Some("An ISO 4217 currency code."))
            .into()
    }
}
#[cfg(feature = "schema")]
impl utoipa::ToSchema for Currency {
    fn name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
}

/// An amount in one currency.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Money {
    /// Millionths of the currency unit.
    pub micros: i64,
    /// Its currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of `micros` millionths of a unit.
    pub const fn new(micros: i64, currency: Currency) -> Self {
        Self { micros, currency }
    }

    /// From thousandths of the unit, as Apple sends prices for every currency. Exact.
    pub fn from_milli_units(milli: i64, currency: Currency) -> Result<Self, MoneyError> {
        milli
            .checked_mul(1000)
            .map(|micros| Self { micros, currency })
            .ok_or(MoneyError::Overflow)
    }

    /// From a decimal number as people write it: `9.99`, `-0.5`. At most six digits after the point. Exact.
    pub fn parse_decimal(text: &str, currency: Currency) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
        let micros = whole.checked_mul(1_000_000)?.checked_add(fraction)?;
        Some(Self::new(sign * micros, currency))
    }

    /// The sum, if both are of one currency and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        self.micros
            .checked_add(other.micros)
            .map(|micros| Self { micros, ..self })
            .ok_or(MoneyError::Overflow)
    }

    /// The difference, if both are of one currency and it fits.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        other
            .micros
            .checked_neg()
            .ok_or(MoneyError::Overflow)
            .and_then(|micros| self.checked_add(Self { micros, ..other }))
    }

    /// `part` ten-thousandths of this amount, rounded toward zero to a whole micro-unit. `None` when it does not fit.
    pub fn basis_points(self, part: u32) -> Option<Self> {
        let micros = i128::from(self.micros) * i128::from(part) / 10_000;
        i64::try_from(micros)
            .ok()
            .map(|micros| Self { micros, ..self })
    }

    /// The plain decimal number, without trailing zeros: `4.99`, `0`, `-1.5`.
    pub fn decimal(self) -> String {
        let unsigned = self.micros.unsigned_abs();
        let sign = if self.micros < 0 { "-" } else { "" };
        let (whole, fraction) = (unsigned / 1_000_000, unsigned % 1_000_000);
        if fraction == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{fraction:06}");
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// As people read it: the sign or code of the currency, thousands grouped, ISO 4217 digits, half away from zero: `$1,234.50`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let step = 10_u64.pow(6 - exponent);
        let minor = (self.micros.unsigned_abs() + step / 2) / step;
        let scale = 10_u64.pow(exponent);
        let mut whole = (minor / scale).to_string();
        let mut at = whole.len();
        while at > 3 {
            at -= 3;
            whole.insert(at, ',');
        }
        let minus = if self.micros < 0 { "-" } else { "" };
        match self.currency.sign() {
            Some(sign) => write!(f, "{minus}{sign}{whole}")?,
            None => write!(f, "{minus}{} {whole}", self.currency)?,
        }
        if exponent > 0 {
            write!(f, ".{:0width$}", minor % scale, width = exponent as usize)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(micros: i64, code: &str) -> Money {
        Money::new(micros, Currency::try_from(code).unwrap())
    }

    #[test]
    fn amounts_are_shown_with_the_digits_of_their_currency() {
        for (amount, shown, decimal) in [
            (money(5_990_000, "USD"), "$5.99", "5.99"),
            (money(300_000_000, "JPY"), "¥300", "300"),
            (
                money(1_234_567_890_000, "EUR"),
                "€1,234,567.89",
                "1234567.89",
            ),
            (money(4_500_000, "CHF"), "CHF 4.50", "4.5"),
            (money(1_234_500, "KWD"), "KWD 1.235", "1.2345"),
            (money(-990_000, "GBP"), "-£0.99", "-0.99"),
            (money(0, "USD"), "$0.00", "0"),
        ] {
            assert_eq!(amount.to_string(), shown);
            assert_eq!(amount.decimal(), decimal);
        }
    }

    #[test]
    fn two_currencies_do_not_add() {
        assert!(matches!(
            money(1, "USD").checked_add(money(1, "EUR")),
            Err(MoneyError::Mixed(..))
        ));
        assert_eq!(
            money(i64::MAX, "USD").checked_add(money(1, "USD")),
            Err(MoneyError::Overflow)
        );
        assert!(Currency::try_from("US").is_err());
        assert!(Currency::try_from("U$D").is_err());
    }

    #[test]
    fn apple_prices_are_thousandths_for_every_currency() {
        assert_eq!(
            Money::from_milli_units(9_990, Currency::USD)
                .unwrap()
                .to_string(),
            "$9.99"
        );
        assert_eq!(
            Money::from_milli_units(300_000, Currency::try_from("JPY").unwrap())
                .unwrap()
                .to_string(),
            "¥300"
        );
        assert_eq!(
            Money::from_milli_units(i64::MAX, Currency::USD),
            Err(MoneyError::Overflow)
        );
    }
}
