//! What a replay would do, as people read it.

use super::line::title_of;
use crate::text::exact;
use domain::NotSent;
use engine::Forecast;
use web::{
    App,
    problem::Problem,
    project::InProject,
    replay_form::{Asked, Wanted},
};

/// What a replay would do, as people read it.
pub(crate) struct Foreseen {
    pub(crate) total: u64,
    pub(crate) events: u64,
    pub(crate) is_complete: bool,
    pub(crate) parts: Vec<(&'static str, u64)>,
    pub(crate) refused: Vec<(&'static str, u64)>,
    pub(crate) under_way: u64,
    /// Event id, kind, customer, when.
    pub(crate) samples: Vec<(String, &'static str, String, String)>,
    pub(crate) seconds: u64,
    pub(crate) held: &'static str,
}

impl Foreseen {
    fn of(seen: &Forecast, wanted: &Wanted) -> Self {
        let parts = seen.sent.iter();
        let refused = seen.refused.iter();
        let samples = seen.samples.iter().map(|(event, _)| {
            (
                event.id.to_string(),
                event.kind.title(),
                event.customer.app_user_id.clone(),
                exact(event.recorded_at),
            )
        });
        Self {
            total: seen.total(),
            events: seen.events,
            is_complete: seen.is_complete,
            parts: parts
                .map(|(standing, count)| (title_of(*standing), *count))
                .collect(),
            refused: refused.map(|(why, count)| (why.text(), *count)).collect(),
            under_way: seen.under_way,
            samples: samples.collect(),
            seconds: seen.total().div_ceil(u64::from(wanted.per_second)),
            held: wanted.active.held().map_or("", NotSent::text),
        }
    }
}

/// What would happen, or everything that is wrong with what is asked.
pub(crate) async fn foresee(
    app: &App,
    project: &InProject,
    asked: &Asked,
) -> Result<Result<Foreseen, Vec<String>>, Problem> {
    let wanted = match asked.check(app, project).await? {
        Ok(wanted) => wanted,
        Err(problems) => {
            let told = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.path.join("."), problem.message));
            return Ok(Err(told.collect()));
        }
    };
    let replays = app.engine.replays();
    let seen = replays.foresee(&wanted.active, &wanted.choice).await?;
    Ok(Ok(Foreseen::of(&seen, &wanted)))
}
