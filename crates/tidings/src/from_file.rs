//! Options that are secrets, read from a file: nobody sees a file's content in the list of processes or in the environment.

use domain::secret::Secret;
use std::str::FromStr;

/// What a file says, read when the command line is. Lines that end it are not part of it.
#[derive(Debug, Clone)]
pub(crate) struct FromFile(Secret);

impl FromFile {
    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for FromFile {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err("the file is empty".into());
        }
        Ok(Self(Secret::new(text)))
    }
}

/// A database's URL with the password that its user is known by. Errors: it has one already, or no user.
pub(crate) fn with_password(url: &str, password: &str) -> Result<String, &'static str> {
    let user = url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?)));
    let Some((scheme, (user, rest))) = user else {
        return Err("the URL names no user: postgres://user@host/database");
    };
    if user.contains(':') {
        return Err("the URL has a password already");
    }
    let password: String = password.bytes().map(encoded).collect();
    Ok(format!("{scheme}://{user}:{password}@{rest}"))
}

/// As it stands in a URL. Source: RFC 3986, unreserved characters.
fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).into()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_into_the_url_whatever_it_is_made_of() {
        let url = "postgres://tidings@db-1,db-2:5433/tidings?sslmode=require";
        assert_eq!(
            with_password(url, "a/b@c:d %é").unwrap(),
            "postgres://tidings:a%2Fb%40c%3Ad%20%25%C3%A9@db-1,db-2:5433/tidings?sslmode=require"
        );
        assert!(with_password("postgres://tidings:old@db/tidings", "new").is_err());
        assert!(with_password("postgres://db/tidings", "new").is_err());
    }

    #[test]
    fn a_file_is_read_without_the_end_of_its_line_and_never_shown() {
        let file = std::env::temp_dir().join(format!("tidings-secret-{}", std::process::id()));
        std::fs::write(&file, " s3cret \n").unwrap();
        let read: FromFile = file.display().to_string().parse().unwrap();
        assert_eq!(read.text(), " s3cret ");
        assert!(!format!("{read:?}").contains("s3cret"));
        std::fs::write(&file, "\n").unwrap();
        assert!(file.display().to_string().parse::<FromFile>().is_err());
        std::fs::remove_file(&file).unwrap();
        let why = file.display().to_string().parse::<FromFile>().unwrap_err();
        assert!(why.contains("No such file"), "{why}");
    }
}
