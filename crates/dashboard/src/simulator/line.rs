//! A life and its steps, as people read them.

use super::lives::{Life, Step};
use crate::text::exact;
use web::counted;

pub(crate) struct StepLine {
    pub(crate) title: &'static str,
    pub(crate) at: String,
    pub(crate) color: &'static str,
    pub(crate) state: String,
}

pub(crate) struct LifeLine {
    pub(crate) id: String,
    pub(crate) title: &'static str,
    pub(crate) customer: String,
    pub(crate) product: String,
    pub(crate) is_over: bool,
    pub(crate) steps: Vec<StepLine>,
}

impl StepLine {
    fn of(step: &Step, is_over: bool) -> Self {
        let (color, state) = match &step.told {
            Some(Ok(0)) => ("grey", "told nothing new".to_owned()),
            Some(Ok(events)) => ("green", counted(events, "event")),
            Some(Err(why)) => ("red", why.clone()),
            None if is_over => ("grey", "did not happen".to_owned()),
            None => ("blue", "to come".to_owned()),
        };
        Self {
            title: step.beat.title(),
            at: exact(step.at),
            color,
            state,
        }
    }
}

impl From<Life> for LifeLine {
    fn from(life: Life) -> Self {
        let is_over = life.is_over;
        let steps = life.steps.iter();
        Self {
            id: life.id,
            title: life.title,
            customer: life.cast.app_user_id,
            product: life.cast.product,
            is_over,
            steps: steps.map(|step| StepLine::of(step, is_over)).collect(),
        }
    }
}
