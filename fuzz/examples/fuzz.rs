//! libFuzzer around one parser, which is named by an option that libFuzzer passes over: `--target=jws`.
#![no_main]

use fuzz::entries::{ALL, Parser};
use std::{env, sync::LazyLock};

static PARSER: LazyLock<Parser> = LazyLock::new(|| {
    let named = env::args().find_map(|word| word.strip_prefix("--target=").map(str::to_owned));
    let target = ALL.iter().find(|(name, _)| Some(*name) == named.as_deref());
    let (_, parser) = target.expect("the command line names a target");
    *parser
});

libfuzzer_sys::fuzz_target!(
    init: {
        LazyLock::force(&PARSER);
    },
    |bytes: &[u8]| PARSER(bytes)
);
