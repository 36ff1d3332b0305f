//! Which parts of a draw go together.

use crate::error::{Error, Result};

/// A part that a draw can be composed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawPart {
    /// Of each group its own number.
    By,
    /// Whole groups.
    Group,
    /// A number of whole groups.
    NumberOfGroups,
    /// By a column instead of the place of a row.
    Key,
    /// By a column of weights.
    Weight,
    /// By a rule that judges rows by their text.
    Smart,
    /// By the rule of highest entropy, which is a rule, too.
    Entropy,
    /// With a file that keeps what a rule has read.
    Features,
    /// With a limit or a budget of tokens.
    Tokens,
    /// With replacement.
    Replace,
    /// With a column of inverse probabilities.
    Weights,
    /// Several draws, one behind the other in the order of rows.
    Epochs,
    /// In parts, for other processes.
    Parts,
}

use DrawPart::{
    By, Entropy, Epochs, Features, Group, Key, NumberOfGroups, Parts, Replace, Smart, Tokens,
    Weight, Weights,
};

/// All parts, with the arguments that ask for them.
const NAMES: [(DrawPart, &str); 13] = [
    (By, "by"),
    (Group, "group"),
    (NumberOfGroups, "n_groups"),
    (Key, "key"),
    (Weight, "weight"),
    (Smart, "smart"),
    (Entropy, "entropy"),
    (Features, "features"),
    (Tokens, "draws by tokens"),
    (Replace, "replace"),
    (Weights, "weights"),
    (Epochs, "epochs"),
    (Parts, "draws in parts"),
];

/// What a draw by a key is not composed with: it is uniform.
const NOT_BY_KEY: [DrawPart; 8] = [By, Group, Weight, Smart, Tokens, Replace, Weights, Epochs];

/// Parts that do not go together in draws in parts.
const EXCLUSIVE_IN_PARTS: [(DrawPart, DrawPart); 6] =
    [(Weight, Smart), (By, Weight), (By, Smart), (By, Group), (Group, Weight), (Group, Smart)];

/// Parts that exclude each other, the first that is found is told.
const EXCLUSIVE: [(DrawPart, DrawPart); 5] = [
    (Replace, Entropy),
    (Weight, Entropy),
    (Features, Entropy),
    (Group, Entropy),
    (Group, Replace),
];

impl DrawPart {
    /// What users call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(part, _)| *part == self).map_or("", |(_, name)| name)
    }

    /// The part of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(part, _)| *part)
    }
}

/// Fails where parts of a draw do not go together.
///
/// # Errors
/// [`Error::Argument`].
pub fn check_combination(parts: &[DrawPart]) -> Result<()> {
    let has = |part: DrawPart| parts.contains(&part);
    let refuse = |what: String| Err(Error::Argument(what));
    if has(Weights) && has(Tokens) {
        return refuse("rows that are drawn by their tokens have no weights".into());
    }
    if has(Features) && !has(Smart) {
        return refuse(
            "features are what a smart draw keeps; draw with smart, or leave out features".into(),
        );
    }
    if has(NumberOfGroups) && !has(Group) {
        return refuse(
            "n_groups counts groups that are drawn whole; name their column with group".into(),
        );
    }
    for (one, other) in EXCLUSIVE {
        if has(one) && has(other) {
            return refuse(format!(
                "{} and {} exclude each other; leave out one of them",
                one.name(),
                other.name()
            ));
        }
    }
    if has(Group) && has(Weights) {
        if !has(NumberOfGroups) {
            return refuse(
                "the probabilities of whole groups are known for a number of groups alone; pass \
                 n_groups, or leave out weights"
                    .into(),
            );
        }
        if let Some(part) = [By, Smart, Epochs].into_iter().find(|&part| has(part)) {
            return refuse(format!(
                "groups that are drawn whole with {} have no weights; leave out one of them",
                part.name()
            ));
        }
    }
    if has(By) && has(Group) && has(Tokens) {
        return refuse(
            "draws by tokens go with by or with group, not with both; leave out one of them".into(),
        );
    }
    if has(By) && has(Replace) && has(Tokens) {
        return refuse(
            "draws by tokens go with by or with replace, not with both; leave out one of them"
                .into(),
        );
    }
    if has(Epochs)
        && has(Tokens)
        && let Some(part) = [By, Group, Replace].into_iter().find(|&part| has(part))
    {
        return refuse(format!(
            "epochs by tokens do not go with {}; leave out one of them",
            part.name()
        ));
    }
    if has(Key)
        && let Some(part) = NOT_BY_KEY.into_iter().find(|&part| has(part))
    {
        return refuse(format!(
            "key and {} exclude each other: a draw by key is uniform; leave out one of them",
            part.name()
        ));
    }
    for (one, other) in EXCLUSIVE_IN_PARTS {
        if has(Parts) && has(one) && has(other) {
            return refuse(format!(
                "{} and {} exclude each other in draws in parts; leave out one, or draw in one \
                 process with fastsample.sample",
                one.name(),
                other.name()
            ));
        }
    }
    if has(Replace)
        && has(Smart)
        && let Some(part) = [By, Weights].into_iter().find(|&part| has(part))
    {
        return refuse(format!(
            "{} and smart exclude each other in draws with replacement; leave out one",
            part.name()
        ));
    }
    if has(Weights) && has(By) && (has(Smart) || has(Weight) && !has(Replace)) {
        return refuse(
            "rows that are drawn by groups and by weight have no weights; leave out one of them"
                .into(),
        );
    }
    if has(Weights) && has(Entropy) {
        return refuse(
            "the entropy rule draws nothing at random, so its rows have no weights".into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_named() {
        for (part, name) in NAMES {
            assert_eq!((part.name(), DrawPart::named(name)), (name, Some(part)));
        }
        assert_eq!(DrawPart::named("sauce"), None);
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        let told =
            |parts: &[DrawPart]| check_combination(parts).map_err(|error| error.to_string()).err();
        for (parts, expected) in [
            (&[Tokens, Weights][..], "rows that are drawn by their tokens have no weights"),
            (
                &[Replace, By, Tokens],
                "draws by tokens go with by or with replace, not with both; leave out one of them",
            ),
            (
                &[Weight, Smart, Entropy],
                "weight and entropy exclude each other; leave out one of them",
            ),
            (
                &[By, NumberOfGroups],
                "n_groups counts groups that are drawn whole; name their column with group",
            ),
            (
                &[Weight, Features],
                "features are what a smart draw keeps; draw with smart, or leave out features",
            ),
            (
                &[Smart, Entropy, Features],
                "features and entropy exclude each other; leave out one of them",
            ),
            (
                &[Group, Weights],
                "the probabilities of whole groups are known for a number of groups alone; pass \
                 n_groups, or leave out weights",
            ),
            (
                &[Group, NumberOfGroups, By, Weights],
                "groups that are drawn whole with by have no weights; leave out one of them",
            ),
            (
                &[Group, Tokens, Epochs],
                "epochs by tokens do not go with group; leave out one of them",
            ),
            (
                &[Group, By, Tokens],
                "draws by tokens go with by or with group, not with both; leave out one of them",
            ),
            (
                &[By, Replace, Smart],
                "by and smart exclude each other in draws with replacement; leave out one",
            ),
            (
                &[Key, Smart, Entropy],
                "key and smart exclude each other: a draw by key is uniform; leave out one of them",
            ),
            (
                &[By, Smart, Parts],
                "by and smart exclude each other in draws in parts; leave out one, or draw in one \
                 process with fastsample.sample",
            ),
            (
                &[By, Weight, Weights],
                "rows that are drawn by groups and by weight have no weights; leave out one of them",
            ),
        ] {
            assert_eq!(told(parts).as_deref(), Some(expected), "{parts:?}");
        }
        for parts in [
            &[By, Weight, Replace, Weights][..],
            &[Group, NumberOfGroups, Weight, Tokens],
            &[Group, NumberOfGroups, Weight, Weights],
            &[Weight, Tokens],
            &[Group, By, Weight, Smart, Epochs],
            &[By, Weight, Smart, Tokens],
            &[Group, Smart, Epochs],
            &[By, Weight, Smart, Epochs],
            &[By, Smart],
            &[Group, Weight, Smart, Tokens],
            &[Weight, Smart, Tokens, Features],
            &[Weight, Smart, Weights],
            &[Weight, Smart, Epochs],
            &[Weight, Smart, Tokens, Epochs],
            &[Smart, Weights],
            &[Weight, Smart, Replace],
            &[Weight, Smart, Replace, Tokens],
            &[Weight, Weights, Epochs],
            &[],
        ] {
            assert_eq!(told(parts), None, "{parts:?}");
        }
    }
}
