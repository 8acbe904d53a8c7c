//! What stores answer.

use super::{apple, google, life, moment::now, stripe};
use async_trait::async_trait;
use domain::Observation;
use jiff::Timestamp;
use serde_json::Value;
use sources::{Call, Question, Reply, Source, Web};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A store that answers with one line after the other, and then knows of nothing.
struct Said<'a> {
    lines: Vec<&'a [u8]>,
    next: AtomicUsize,
}

#[async_trait]
impl Web for Said<'_> {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let mut reply = Reply {
            status: 200,
            retry_after: None,
            cache_control: None,
            body: br#"{"access_token": "a"}"#.to_vec(),
        };
        if call.url.ends_with("/token") || call.url.ends_with(":acknowledge") {
            return Ok(reply);
        }
        match self.lines.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            Some(line) => {
                let read = serde_json::from_slice::<Value>(line);
                reply.body = read.map_or_else(
                    |_| line.to_vec(),
                    |body| apple::signed(body).to_string().into_bytes(),
                );
            }
            None => reply.status = 404,
        }
        Ok(reply)
    }
}

impl<'a> Said<'a> {
    fn these(lines: Vec<&'a [u8]>) -> Self {
        Self {
            lines,
            next: AtomicUsize::new(0),
        }
    }
}

/// In each line what a store answers that is asked for what it could not deliver.
pub(super) fn missed(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let stripe = stripe::source();
    let all: [&dyn Source; 3] = [&*apple::APP_STORE, &*google::ASKING, &stripe];
    for source in all {
        for environment in source.environments() {
            let web = Said::these(lines.clone());
            let since = Timestamp::UNIX_EPOCH;
            let missed = life::at_once(source.missed(since, environment, &web, now()));
            for body in missed.into_iter().flatten() {
                if let Ok(received) = source.receive(&body, now()) {
                    life::take_in(&received.content);
                }
            }
        }
    }
}

/// A question in a line, and in the following what the store answers one call after the other.
pub(super) fn answer(bytes: &[u8]) {
    for purchase in purchases(bytes) {
        life::live(&purchase);
    }
}

fn purchases(bytes: &[u8]) -> Vec<Observation> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let question = lines.next().map(serde_json::from_slice::<Question>);
    let Some(Ok(question)) = question else {
        return Vec::new();
    };
    let lines: Vec<&[u8]> = lines.collect();
    let stripe = stripe::source();
    let asked: &[&dyn Source] = match question.about.as_str() {
        "transaction" => &[&*apple::APP_STORE],
        _ => &[&*google::ASKING, &stripe],
    };
    let mut purchases = Vec::new();
    for source in asked {
        let web = Said::these(lines.clone());
        let answers = life::at_once(source.ask(&question, &web, now()));
        let answers = answers.into_iter().flatten();
        purchases.extend(answers.filter_map(|answer| source.read(&answer).ok()?));
    }
    purchases
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn every_seed_is_a_purchase() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/answer");
        for seed in fs::read_dir(folder).unwrap() {
            let path = seed.unwrap().path();
            assert_eq!(purchases(&fs::read(&path).unwrap()).len(), 1, "{path:?}");
        }
    }
}
