//! One exchange: a request with the token that it needs, and what came of it.

use crate::{
    Core, TransportError,
    dispatch::{retry_after::asked, shown::concealed, tokens::Tokens},
    setup::ActiveIntegration,
};
use destinations::{Grant, Outcome, Request, Response, Token, Unsendable};
use domain::{NotSent, secret::Secret};
use std::time::Duration;

/// The least time that a request is begun in.
const LEAST: Duration = Duration::from_secs(1);

/// How long the requests of one attempt may take: each so long, and all together no longer than its lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// What each may take.
    pub(super) timeout: Duration,
    /// By when all have to be over, as uptime.
    pub(super) end: Duration,
}

impl Budget {
    /// Whether another request may be begun.
    pub(super) fn has_time(self, uptime: Duration) -> bool {
        self.next(uptime).is_some()
    }

    /// What the next request may take; `None` where nothing is left.
    fn next(self, uptime: Duration) -> Option<Duration> {
        let left = self.end.saturating_sub(uptime);
        (left >= LEAST.min(self.timeout)).then(|| left.min(self.timeout))
    }
}

/// What was sent last, without what must not be shown of its answer.
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) came: Came,
}

/// What came of it.
pub(super) enum Came {
    /// An answer to the message.
    Answer(Response),
    /// None to the message, because no token was given; with what was answered instead.
    NoToken(Response, Outcome),
    /// The token could not even be asked for.
    Unsendable(Unsendable),
    /// No answer.
    Nothing(TransportError),
}

impl Exchange {
    /// One of which nothing is known but how it ended.
    pub(super) fn nothing(error: TransportError) -> Self {
        Self {
            request: Request::json("", Vec::new()),
            came: Came::Nothing(error),
        }
    }

    /// The same of a request that does no harm twice.
    pub(super) fn that_may_be_repeated(self) -> Self {
        let came = match self.came {
            Came::Nothing(TransportError::Unanswered(why)) => {
                Came::Nothing(TransportError::Network(why))
            }
            came => came,
        };
        Self { came, ..self }
    }
}

/// Sends requests of one integration.
pub(super) struct Sender<'a> {
    pub(super) core: &'a Core,
    pub(super) tokens: &'a Tokens,
    pub(super) active: &'a ActiveIntegration,
    pub(super) budget: Budget,
}

impl Sender<'_> {
    /// Sends a request with the token it needs. Where that is refused it is given up, and the request sent once more with another.
    pub(super) async fn exchange(&self, request: Request) -> Exchange {
        let Some(grant) = request.grant.clone() else {
            return self.sent(request).await;
        };
        let (first, token) = match self.with_token(&request, &grant).await {
            Ok(sent) => sent,
            Err(none) => return none,
        };
        if !matches!(&first.came, Came::Answer(response) if request.is_token_refused(response)) {
            return first;
        }
        let slot = self.tokens.slot(self.active.row.id, &grant);
        slot.forget(&token).await;
        let again = self.with_token(&request, &grant).await;
        again.map_or_else(|none| none, |(exchange, _)| exchange)
    }

    async fn with_token(
        &self,
        request: &Request,
        grant: &Grant,
    ) -> Result<(Exchange, Secret), Exchange> {
        let slot = self.tokens.slot(self.active.row.id, grant);
        let uptime = self.core.system().uptime();
        let token = slot.token(uptime, async || self.fetched(grant).await).await;
        let token = token.map_err(|none| *none)?;
        let request = request.clone().with_token(&token);
        Ok((self.sent(request).await, token))
    }

    /// Asks for a token. Nothing that was answered is kept where one was given, or might have been.
    async fn fetched(&self, grant: &Grant) -> Result<(Secret, Duration), Box<Exchange>> {
        let asking = Token::asked(grant, self.core.system().now());
        let request = match asking {
            Ok(request) => request,
            Err(detail) => {
                let reason = NotSent::MissingCredentials;
                let came = Came::Unsendable(Unsendable { reason, detail });
                let request = Request::json("", Vec::new());
                return Err(Box::new(Exchange { request, came }));
            }
        };
        let answer = self.answer(&request).await;
        let came = match answer {
            Ok(response) => match Token::given(&response) {
                Ok(token) => return Ok((token.value, token.lasts)),
                Err(_) if response.status < 300 => {
                    let (body, status) = (Vec::new(), response.status);
                    let why = format!("no token was given: answered {status} without one");
                    let response = Response { body, ..response };
                    Came::NoToken(response, Outcome::CredentialsRefused(why))
                }
                Err(outcome) => Came::NoToken(response, outcome),
            },
            // It may be asked for as often as it takes.
            Err(TransportError::Blocked(why)) => Came::Nothing(TransportError::Blocked(why)),
            Err(error) => {
                let why = format!("no token was given: {error}");
                Came::Nothing(TransportError::Network(why))
            }
        };
        let came = came.concealed(&request);
        Err(Box::new(Exchange { request, came }))
    }

    async fn sent(&self, request: Request) -> Exchange {
        let came = match self.answer(&request).await {
            Ok(response) => Came::Answer(response),
            Err(error) => Came::Nothing(error),
        };
        let came = came.concealed(&request);
        Exchange { request, came }
    }

    async fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        let system = self.core.system();
        let Some(timeout) = self.budget.next(system.uptime()) else {
            let why = "no time was left in this attempt";
            return Err(TransportError::Network(why.into()));
        };
        let mut answer = self.core.transport().send(request, timeout).await;
        if let Ok(response) = &mut answer {
            response.retry_after = asked(response.status, &response.headers, system.now());
        }
        answer
    }
}

impl Came {
    /// The same without what must not be shown of it: an endpoint may repeat a key, and an error the URL.
    fn concealed(self, request: &Request) -> Self {
        let conceal = |text: &str| request.concealed(text);
        match self {
            Self::Answer(response) => Self::Answer(concealed(request, response)),
            Self::NoToken(response, outcome) => {
                Self::NoToken(concealed(request, response), outcome.in_words(conceal))
            }
            Self::Unsendable(why) => Self::Unsendable(why),
            Self::Nothing(error) => Self::Nothing(error.in_words(conceal)),
        }
    }
}
