//! Wrong rules: what each claims, and what stands in the domain where it has its turn.

/// A wrong rule.
pub(super) struct Mutant {
    /// What it claims.
    pub(super) says: &'static str,
    pub(super) file: &'static str,
    pub(super) right: &'static str,
    /// What stands there instead; `WRONG` is whether it is this one's turn.
    pub(super) wrong: &'static str,
}

pub(super) const MUTANTS: [Mutant; 24] = [
    Mutant {
        says: "a refund that is a thing of its own takes no access",
        file: "snapshot/derive.rs",
        right: ".filter(|refund| refund.revokes && !refund.is_undone)",
        wrong: ".filter(|refund| refund.revokes && !refund.is_undone && !WRONG)",
    },
    Mutant {
        says: "a refund that failed is not told",
        file: "change/refunds.rs",
        right: "if refund.is_undone && !known.is_some_and(|known| known.is_undone) {",
        wrong: "if !WRONG && refund.is_undone && !known.is_some_and(|known| known.is_undone) {",
    },
    Mutant {
        says: "a period that another product took over from just ends",
        file: "change/charges.rs",
        right: "_ if !old.is_paid() => return None,",
        wrong: "_ if WRONG || !old.is_paid() => return None,",
    },
    Mutant {
        says: "another product in the middle of a period is bought after a lapse",
        file: "charge.rs",
        right: "Some(end) if new.purchased_at < end => Switch::Immediate,",
        wrong: "Some(end) if !WRONG && new.purchased_at < end => Switch::Immediate,",
    },
    Mutant {
        says: "a change of product at the renewal is one at once",
        file: "charge.rs",
        right: "_ if renews => Switch::AtRenewal,",
        wrong: "_ if !WRONG && renews => Switch::AtRenewal,",
    },
    Mutant {
        says: "the first charge after a trial is a renewal",
        file: "charge.rs",
        right: "(false, Some(false)) => (EventKind::TrialConverted",
        wrong: "(false, Some(false)) if !WRONG => (EventKind::TrialConverted",
    },
    Mutant {
        says: "a period that nobody paid for is a charge",
        file: "charge.rs",
        right: "if fact.is_owed {\n            return None;",
        wrong: "if fact.is_owed && !WRONG {\n            return None;",
    },
    Mutant {
        says: "what has ended is cancelled as well",
        file: "change/renewal.rs",
        right: "if snapshot.has_ended() && !(is_cancelled && stated.is_some() && step.is_same_period()) {",
        wrong: "if !WRONG && snapshot.has_ended() && !(is_cancelled && stated.is_some() && step.is_same_period()) {",
    },
    Mutant {
        says: "a new period switches renewal on again",
        file: "change/renewal.rs",
        right: "let goes_on = step.is_same_period() || took_over_before_the_end(step);",
        wrong: "let goes_on = WRONG || step.is_same_period() || took_over_before_the_end(step);",
    },
    Mutant {
        says: "a product chosen for the next period is not told",
        file: "change/renewal.rs",
        right: "(known, Some(next)) if known != Some(next) => Some(Change {",
        wrong: "(known, Some(next)) if !WRONG && known != Some(next) => Some(Change {",
    },
    Mutant {
        says: "what a refund had ended does not end when that is undone",
        file: "change/standing.rs",
        right: "|before: &Snapshot| matches!(before.standing, Standing::Expired { .. });",
        wrong: "|before: &Snapshot| matches!(before.standing, Standing::Expired { .. }) || (WRONG && before.has_ended());",
    },
    Mutant {
        says: "grace is not told",
        file: "change/standing.rs",
        right: "let begins = in_grace(snapshot) && ",
        wrong: "let begins = !WRONG && in_grace(snapshot) && ",
    },
    Mutant {
        says: "every statement of a failed charge is told",
        file: "change/standing.rs",
        right: "let begins = snapshot.has_billing_issue() && !before",
        wrong: "let before = before.filter(|_| !WRONG); let begins = snapshot.has_billing_issue() && !before",
    },
    Mutant {
        says: "the clock ends what no store has ended",
        file: "snapshot/standing.rs",
        right: "(None, None) if now < after(end, LAPSE_LIMIT) => Self::Lapsed,",
        wrong: "(None, None) if !WRONG && now < after(end, LAPSE_LIMIT) => Self::Lapsed,",
    },
    Mutant {
        says: "grace gives no access",
        file: "snapshot/standing.rs",
        right: "Some(Status::Grace) => in_grace.unwrap_or_else(unpaid),",
        wrong: "Some(Status::Grace) => in_grace.filter(|_| !WRONG).unwrap_or_else(unpaid),",
    },
    Mutant {
        says: "what is paid for ends there, whatever its store says",
        file: "snapshot/derive.rs",
        right: "Some(named.map_or(paid, |named| named.max(paid)))",
        wrong: "Some(named.filter(|_| !WRONG).map_or(paid, |named| named.max(paid)))",
    },
    Mutant {
        says: "what is heard last is true",
        file: "fact/renewal.rs",
        right: "if (self.rank(), &*self) < (other.rank(), other) {",
        wrong: "if WRONG || (self.rank(), &*self) < (other.rank(), other) {",
    },
    Mutant {
        says: "the whole past of an old purchase is news",
        file: "change/first_seen.rs",
        right: "(begins || all.len() == 1)\n",
        wrong: "WRONG || (begins || all.len() == 1)\n",
    },
    Mutant {
        says: "access ends with the period, in grace too",
        file: "snapshot/mod.rs",
        right: "Standing::Grace { until, .. } => Some(until),\n            Standing::Revoked",
        wrong: "Standing::Grace { until, .. } if !WRONG => Some(until),\n            Standing::Revoked",
    },
    Mutant {
        says: "who is let in by the family has bought it",
        file: "change/mod.rs",
        right: ".filter(|line| line.ownership != Ownership::FamilyShared)",
        wrong: ".filter(|line| WRONG || line.ownership != Ownership::FamilyShared)",
    },
    Mutant {
        says: "a period that ends later is not told",
        file: "change/terms.rs",
        right: ".filter(|(old, new)| old < new)?;",
        wrong: ".filter(|(old, new)| !WRONG && old < new)?;",
    },
    Mutant {
        says: "a product that is taken off goes on",
        file: "snapshot/derive.rs",
        right: "let since = facts.left_at(fact)?;",
        wrong: "let since = facts.left_at(fact).filter(|_| !WRONG)?;",
    },
    Mutant {
        says: "who cancels a term renews as long as it is charged",
        file: "snapshot/derive.rs",
        right: "|| is_off(renewal.term_renews))",
        wrong: "|| (!WRONG && is_off(renewal.term_renews)))",
    },
    Mutant {
        says: "a refund of a part gives back all",
        file: "refund.rs",
        right: "self.parts.push((part, amount));",
        wrong: "self.parts.push((part, amount.filter(|_| !WRONG)));",
    },
];
