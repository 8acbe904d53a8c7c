//! Crates as modules: what each names, and what it uses.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Parts of a path, as written.
pub(crate) type Parts = Vec<String>;

/// What a name stands for in a module.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    /// A module, by its number.
    Module(usize),
    /// Something that is defined there.
    Item,
    /// What a path leads to.
    Used(Parts),
}

/// Something named in a module, and whether anybody outside may name it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: Name,
    pub(crate) is_shown: bool,
}

/// A file, or a part of one.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// Where its modules are.
    folder: PathBuf,
    pub(crate) parent: Option<usize>,
    /// A function may have the name of a module.
    pub(crate) names: BTreeMap<String, Vec<Named>>,
    /// Modules all of whose names are named.
    pub(crate) globs: Vec<Parts>,
    /// What is used.
    pub(crate) uses: Vec<Parts>,
}

/// Reads a file, where there is one.
pub(crate) type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// A crate, read module by module.
pub(crate) struct Crate<'a> {
    read: Read<'a>,
    modules: Vec<Module>,
}

/// What follows one of these is the name of what is defined.
const DEFINES: [&str; 8] = [
    "fn", "struct", "enum", "type", "const", "static", "trait", "union",
];

/// What may follow one of these before that.
const BETWEEN: [&str; 5] = ["fn", "unsafe", "async", "extern", "mut"];

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string().trim_start_matches("r#").into()),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Whether `::` stands at a place.
fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn within(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<Vec<TokenTree>> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => {
            Some(group.stream().into_iter().collect())
        }
        _ => None,
    }
}

/// What a `use` names: paths, each with the name it has here; `*` for all of a module.
fn tree(tokens: &[TokenTree], before: &[String], found: &mut Vec<(Parts, String)>) {
    let mut parts = before.to_vec();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some(inner) = within(Some(token), Delimiter::Brace) {
            let several = inner.split(|token| is_punct(Some(token), ','));
            several.for_each(|one| tree(one, &parts, found));
            return;
        }
        if is_punct(Some(token), '*') {
            found.push((parts, "*".into()));
            return;
        }
        match ident(Some(token)) {
            Some(word) if word == "as" => {
                found.extend(ident(tokens.get(at + 1)).map(|name| (parts, name)));
                return;
            }
            Some(word) if word == "self" && !parts.is_empty() => {}
            Some(word) => parts.push(word),
            None => {}
        }
        at += 1;
    }
    if let Some(name) = parts.last().cloned() {
        found.push((parts, name));
    }
}

/// What an attribute says that a module's file is.
fn path_of(attribute: &[TokenTree]) -> Option<String> {
    let is_path = ident(attribute.first()).is_some_and(|name| name == "path");
    let text = attribute.get(2).filter(|_| is_path)?.to_string();
    Some(text.trim_matches('"').to_owned())
}

impl Crate<'_> {
    pub(crate) fn open(read: Read<'_>, root: &Path) -> Option<Vec<Module>> {
        let mut all = Crate {
            read,
            modules: Vec::new(),
        };
        let folder = root.parent()?.to_owned();
        all.file(root.to_owned(), folder, None)?;
        Some(all.modules)
    }

    fn file(&mut self, file: PathBuf, folder: PathBuf, parent: Option<usize>) -> Option<usize> {
        let text = (self.read)(&file)?;
        let tokens = TokenStream::from_str(&text)
            .unwrap_or_else(|error| panic!("{} is no Rust: {error}", file.display()));
        let module = self.add(file, folder, parent);
        self.scan(&tokens.into_iter().collect::<Vec<_>>(), module, true);
        Some(module)
    }

    fn add(&mut self, file: PathBuf, folder: PathBuf, parent: Option<usize>) -> usize {
        self.modules.push(Module {
            file,
            folder,
            parent,
            names: BTreeMap::new(),
            globs: Vec::new(),
            uses: Vec::new(),
        });
        self.modules.len() - 1
    }

    /// Reads the tokens of a module, and of whatever stands in its items.
    fn scan(&mut self, tokens: &[TokenTree], module: usize, is_top: bool) {
        let (mut at, mut is_shown, mut path) = (0, false, None);
        while let Some(token) = tokens.get(at) {
            let word = ident(Some(token));
            match word.as_deref() {
                Some("use") if !is_punct(tokens.get(at + 1), '<') => {
                    let rest = &tokens[at + 1..];
                    let end = rest.iter().position(|token| is_punct(Some(token), ';'));
                    let end = end.unwrap_or(rest.len());
                    self.used(&rest[..end], module, is_shown);
                    (at, is_shown) = (at + 1 + end, false);
                    continue;
                }
                Some("mod") if let Some(name) = ident(tokens.get(at + 1)) => {
                    self.module(&name, path.take(), tokens.get(at + 2), module, is_shown);
                    (at, is_shown) = (at + 3, false);
                    continue;
                }
                Some("pub") => {
                    is_shown = true;
                    let limit = within(tokens.get(at + 1), Delimiter::Parenthesis);
                    at += 1 + usize::from(limit.is_some());
                    continue;
                }
                Some("macro_rules") => {
                    if let Some(name) = ident(tokens.get(at + 2)) {
                        self.name(module, name, Name::Item, true);
                    }
                }
                Some(word) if is_top && DEFINES.contains(&word) => {
                    let name = ident(tokens.get(at + 1));
                    if let Some(name) = name.filter(|name| !BETWEEN.contains(&name.as_str())) {
                        self.name(module, name, Name::Item, is_shown);
                        is_shown = false;
                    }
                }
                Some(_) => {
                    let parts = self.path(tokens, at, module);
                    at += parts;
                    continue;
                }
                None => {}
            }
            if is_punct(Some(token), '#') {
                path = within(tokens.get(at + 1), Delimiter::Bracket)
                    .and_then(|attribute| path_of(&attribute))
                    .or(path);
            }
            if let TokenTree::Group(group) = token {
                let inner: Vec<_> = group.stream().into_iter().collect();
                self.scan(&inner, module, false);
                is_shown = false;
            }
            at += 1;
        }
    }

    /// A path that begins here, if it has several parts. Answers how many tokens it takes.
    fn path(&mut self, tokens: &[TokenTree], at: usize, module: usize) -> usize {
        let follows = at >= 2 && is_colons(tokens, at - 2);
        let is_member = at >= 1 && is_punct(tokens.get(at - 1), '.');
        let mut parts = Parts::from_iter(ident(tokens.get(at)));
        let mut length = 1;
        while is_colons(tokens, at + length)
            && let Some(part) = ident(tokens.get(at + length + 2))
        {
            parts.push(part);
            length += 3;
        }
        if parts.len() > 1 && !follows && !is_member {
            self.modules[module].uses.push(parts);
        }
        length
    }

    fn used(&mut self, tokens: &[TokenTree], module: usize, is_shown: bool) {
        let mut found = Vec::new();
        tree(tokens, &[], &mut found);
        for (parts, name) in found {
            if name == "*" {
                if !is_shown {
                    let all = parts.iter().cloned().chain(["*".to_owned()]);
                    self.modules[module].uses.push(all.collect());
                }
                self.modules[module].globs.push(parts);
                continue;
            }
            if !is_shown {
                self.modules[module].uses.push(parts.clone());
            }
            self.name(module, name, Name::Used(parts), is_shown);
        }
    }

    fn name(&mut self, module: usize, name: String, is: Name, is_shown: bool) {
        let named = Named { name: is, is_shown };
        let names = &mut self.modules[module].names;
        names.entry(name).or_default().push(named);
    }

    /// A module, whose text is here or in a file of its own.
    fn module(
        &mut self,
        name: &str,
        path: Option<String>,
        body: Option<&TokenTree>,
        parent: usize,
        is_shown: bool,
    ) {
        let Module { file, folder, .. } = &self.modules[parent];
        let (file, folder) = (file.clone(), folder.clone());
        let own = folder.join(name);
        let inner = within(body, Delimiter::Brace);
        let found = if let Some(inner) = inner {
            let module = self.add(file, own, Some(parent));
            self.scan(&inner, module, true);
            Some(module)
        } else if let Some(path) = path {
            let file = file.with_file_name(path);
            let folder = file.with_file_name("");
            self.file(file, folder, Some(parent))
        } else {
            let beside = folder.join(format!("{name}.rs"));
            self.file(beside, own.clone(), Some(parent))
                .or_else(|| self.file(own.join("mod.rs"), own, Some(parent)))
        };
        if let Some(module) = found {
            self.name(parent, name.to_owned(), Name::Module(module), is_shown);
        }
    }
}
