//! Which files use which, and the circles of that.

use super::modules::{Crate, Module, Name, Named, Read};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
};

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Module(usize),
    /// Something in the file of a module.
    Item(usize),
}

/// Names that were looked for on the way, and where: so that a glob that leads back ends.
type Seen = BTreeSet<(usize, String)>;

fn is_within(modules: &[Module], mut inner: usize, outer: usize) -> bool {
    while inner != outer {
        let Some(parent) = modules[inner].parent else {
            return false;
        };
        inner = parent;
    }
    true
}

/// Where a path leads that is written in a module; `None` where that is another crate.
fn leads(modules: &[Module], from: usize, parts: &[String], seen: &mut Seen) -> Option<Place> {
    let (mut at, mut rest) = (from, parts);
    while let Some((first, others)) = rest.split_first() {
        at = match first.as_str() {
            "crate" => 0,
            "self" => at,
            "super" => modules[at].parent?,
            _ => break,
        };
        rest = others;
    }
    let is_rooted = rest.len() < parts.len();
    for (index, part) in rest.iter().enumerate() {
        if part == "*" {
            return Some(Place::Item(at));
        }
        match named(modules, at, part, index + 1 == rest.len(), from, seen) {
            Some(Place::Module(inner)) => at = inner,
            Some(item) => return Some(item),
            // Of ours, and not found: a macro made it.
            None if (is_rooted || index > 0) && !is_foreign(modules, at, part) => {
                return Some(Place::Item(at));
            }
            None => return None,
        }
    }
    Some(Place::Module(at))
}

/// Whether a name is known to be of another crate.
fn is_foreign(modules: &[Module], module: usize, name: &str) -> bool {
    let named = modules[module].names.get(name);
    let mut all = named.into_iter().flatten();
    all.any(|known| matches!(known.name, Name::Used(_)))
}

/// What a name stands for in a module, as somebody sees it who stands in `from`: as the last part of a path rather no module.
fn named(
    modules: &[Module],
    module: usize,
    name: &str,
    is_last: bool,
    from: usize,
    seen: &mut Seen,
) -> Option<Place> {
    if !seen.insert((module, name.to_owned())) {
        return None;
    }
    let seen_from = |known: &&Named| known.is_shown || is_within(modules, from, module);
    let known = modules[module].names.get(name).into_iter().flatten();
    let known: Vec<&Named> = known.filter(seen_from).collect();
    let is_module = |known: &&&Named| matches!(known.name, Name::Module(_));
    let wanted = known
        .iter()
        .find(|known| is_module(known) != is_last)
        .or(known.first());
    if let Some(known) = wanted {
        return match &known.name {
            Name::Module(inner) => Some(Place::Module(*inner)),
            Name::Item => Some(Place::Item(module)),
            Name::Used(parts) => leads(modules, module, parts, seen),
        };
    }
    modules[module].globs.iter().find_map(|glob| {
        let Some(Place::Module(of)) = leads(modules, module, glob, &mut seen.clone()) else {
            return None;
        };
        named(modules, of, name, is_last, module, seen)
    })
}

/// Which files each file of a crate uses.
fn uses(modules: &[Module]) -> BTreeMap<&Path, BTreeSet<&Path>> {
    let mut uses: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for (index, module) in modules.iter().enumerate() {
        for parts in &module.uses {
            let place = leads(modules, index, parts, &mut Seen::new());
            if let Some(Place::Item(of)) = place
                && modules[of].file != module.file
            {
                uses.entry(&module.file)
                    .or_default()
                    .insert(&modules[of].file);
            }
        }
    }
    uses
}

/// The shortest way from a file back to itself.
fn circle<'a>(
    uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>,
    from: &'a Path,
) -> Option<Vec<&'a Path>> {
    let mut ways = VecDeque::from([vec![from]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses.get(way.last()?).into_iter().flatten() {
            if *next == from {
                return Some(way);
            }
            if reached.insert(*next) {
                let mut longer = way.clone();
                longer.push(next);
                ways.push_back(longer);
            }
        }
    }
    None
}

/// The circles of a crate, each told from where its name comes first.
pub(crate) fn circles(read: Read<'_>, root: &Path) -> BTreeSet<String> {
    let modules = Crate::open(read, root).unwrap_or_default();
    let uses = uses(&modules);
    let found = uses.keys().filter_map(|file| {
        let way = circle(&uses, file)?;
        let first = way.iter().min() == way.first();
        let told = way.iter().map(|file| file.display().to_string());
        first.then(|| told.collect::<Vec<_>>().join(" <-> "))
    });
    found.collect()
}
