//! How a customer stands, told as events of their own to a receiver that heard nothing of what came before.
//!
//! Nothing happened when they are told: they are events of access, known by the rules that they carry.

/// What such an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// The customer, and with it the first of the purchases.
    Customer,
    /// Another purchase.
    Purchase,
    /// Another entitlement of a purchase that was told.
    Entitlement,
}

impl Present {
    /// Every one, in order of declaration.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Purchase, Self::Entitlement];

    /// The rule that an event of it carries.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Customer => "present.customer",
            Self::Purchase => "present.purchase",
            Self::Entitlement => "present.entitlement",
        }
    }

    /// Parses [`Present::rule`].
    pub fn from_rule(rule: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|present| present.rule() == rule)
    }

    /// Whether a purchase is told by it for the first time.
    pub const fn is_of_purchase(self) -> bool {
        matches!(self, Self::Customer | Self::Purchase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_back() {
        for present in Present::ALL {
            assert_eq!(Present::from_rule(present.rule()), Some(present));
        }
        assert_eq!(Present::from_rule("access.changed"), None);
    }
}
