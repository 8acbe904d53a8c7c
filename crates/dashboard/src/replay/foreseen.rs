//! What a replay would do, as people read it.

use super::line::title_of;
use crate::{count::Count, text::exact};
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
    pub(crate) parts: Vec<Count>,
    pub(crate) refused: Vec<Count>,
    pub(crate) under_way: u64,
    pub(crate) samples: Vec<Sample>,
    pub(crate) seconds: u64,
    pub(crate) held: &'static str,
}

/// An event that it would send.
pub(crate) struct Sample {
    pub(crate) id: String,
    pub(crate) title: &'static str,
    pub(crate) customer: String,
    pub(crate) at: String,
}

impl Foreseen {
    fn of(seen: &Forecast, wanted: &Wanted) -> Self {
        let parts = seen.sent.iter();
        let refused = seen.refused.iter();
        let counted = |what, number| Count { what, number };
        let samples = seen.samples.iter().map(|(event, _)| Sample {
            id: event.id.to_string(),
            title: event.kind.title(),
            customer: event.customer.app_user_id.clone(),
            at: exact(event.recorded_at),
        });
        Self {
            total: seen.total(),
            events: seen.events,
            is_complete: seen.is_complete,
            parts: parts
                .map(|(standing, count)| counted(title_of(*standing), *count))
                .collect(),
            refused: refused
                .map(|(why, count)| counted(why.text(), *count))
                .collect(),
            under_way: seen.under_way,
            samples: samples.collect(),
            seconds: seen.total().div_ceil(u64::from(wanted.per_second)),
            held: wanted.active.held_everywhere().map_or("", NotSent::text),
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
