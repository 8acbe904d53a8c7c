//! What servers of AMQP say, as far as a publisher needs it. Source: AMQP 0-9-1, sections 2.3.5 and 4.2; "Generated documentation" for the methods.
//!
//! **Why it is read here.** `amq-protocol` reads tables and arrays in each other as deep as they are said to go, on the stack: a few thousand levels, which
//! fit into one frame, end the process. What a server tells of itself is of no use to us, so it is left unread.

use std::fmt;

/// What a frame has before what it carries: its type, its channel, its length.
const HEAD: usize = 7;
/// What a frame ends with.
const END: u8 = 0xce;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// How it lets people in.
    Start { mechanisms: String },
    /// The largest frame that it takes; 0 where any is.
    Tune { frame_max: u32 },
    /// The virtual host is there.
    Opened,
    /// The channel is.
    ChannelOpened,
    /// Messages are confirmed from now on.
    Selected,
    /// No queue takes a message.
    Returned { code: u16, why: String },
    /// A message is confirmed.
    Ack,
    /// A message could not be stored.
    Nack,
    /// The channel or the connection is closed.
    Closed { code: u16, why: String },
    /// A part of what is returned, or a sign of life.
    Nothing,
    /// What nobody asked for.
    Unasked,
}

/// Why nothing can be made of what a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is no frame, or breaks off within one.
    NoFrame,
    /// It is longer than was agreed.
    TooLong,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFrame => "the server does not speak AMQP 0-9-1",
            Self::TooLong => "the server sends a larger frame than was agreed",
        })
    }
}

/// Reads the first frame of `bytes`, and says how long it is; `None` where it is not whole yet. `largest` is the longest there may be.
pub(super) fn frame(bytes: &[u8], largest: usize) -> Result<Option<(Heard, usize)>, Broken> {
    let Some((&kind, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if !matches!(kind, METHOD | HEADER | BODY | HEARTBEAT) {
        return Err(Broken::NoFrame);
    }
    let Some(length) = rest.get(2..HEAD - 1) else {
        return Ok(None);
    };
    let mut reader = Reader(length);
    let length = usize::try_from(reader.u32()?).map_err(|_| Broken::TooLong)?;
    let whole = length.checked_add(HEAD + 1).ok_or(Broken::TooLong)?;
    if whole > largest {
        return Err(Broken::TooLong);
    }
    let Some(bytes) = bytes.get(..whole) else {
        return Ok(None);
    };
    let (content, end) = bytes[HEAD..].split_at(length);
    if end != [END] {
        return Err(Broken::NoFrame);
    }
    let heard = if kind == METHOD {
        method(&mut Reader(content))?
    } else {
        Heard::Nothing
    };
    Ok(Some((heard, whole)))
}

fn method(reader: &mut Reader<'_>) -> Result<Heard, Broken> {
    Ok(match (reader.u16()?, reader.u16()?) {
        (10, 10) => {
            // Its version, and what it tells of itself.
            reader.take(2)?;
            reader.long()?;
            let mechanisms = text(reader.long()?);
            Heard::Start { mechanisms }
        }
        (10, 30) => {
            // How many channels there may be.
            reader.u16()?;
            let frame_max = reader.u32()?;
            Heard::Tune { frame_max }
        }
        (10, 41) => Heard::Opened,
        (20, 11) => Heard::ChannelOpened,
        (85, 11) => Heard::Selected,
        (60, 50) => Heard::Returned {
            code: reader.u16()?,
            why: reader.short()?,
        },
        (60, 80) => Heard::Ack,
        (60, 120) => Heard::Nack,
        (10, 50) | (20, 40) => Heard::Closed {
            code: reader.u16()?,
            why: reader.short()?,
        },
        _ => Heard::Unasked,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a method is called with, read from its beginning.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken::NoFrame)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.take(N)?.try_into().map_err(|_| Broken::NoFrame)
    }

    fn u16(&mut self) -> Result<u16, Broken> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn short(&mut self) -> Result<String, Broken> {
        let [length] = self.array()?;
        Ok(text(self.take(length.into())?))
    }

    /// A long text or a table: both begin with their length.
    fn long(&mut self) -> Result<&'a [u8], Broken> {
        let length = usize::try_from(self.u32()?).map_err(|_| Broken::NoFrame)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::{
        frame::{AMQPFrame, WriteContext, gen_frame},
        protocol::{AMQPClass, basic, channel, connection},
        types::{AMQPValue, FieldTable},
    };

    /// As another client would write it, were it the server.
    fn written(channel: u16, class: AMQPClass) -> Vec<u8> {
        let frame = AMQPFrame::Method(channel, class);
        let written = gen_frame(&frame)(WriteContext::from(Vec::new())).unwrap();
        written.into_inner().0
    }

    fn whole() -> Vec<(Vec<u8>, Heard)> {
        let mut about = FieldTable::default();
        about.insert("product".into(), AMQPValue::LongString("RabbitMQ".into()));
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: about,
            mechanisms: "PLAIN AMQPLAIN".into(),
            locales: "en_US".into(),
        };
        let tune = connection::Tune {
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 60,
        };
        let close = channel::Close {
            reply_code: 404,
            reply_text: "NOT_FOUND - no exchange".into(),
            class_id: 60,
            method_id: 40,
        };
        let back = basic::Return {
            reply_code: 312,
            reply_text: "NO_ROUTE".into(),
            exchange: "e".into(),
            routing_key: "k".into(),
        };
        let ack = basic::Ack {
            delivery_tag: 1,
            multiple: false,
        };
        let of_connection = |method| written(0, AMQPClass::Connection(method));
        let of_basic = |method| written(1, AMQPClass::Basic(method));
        vec![
            (
                of_connection(connection::AMQPMethod::Start(start)),
                Heard::Start {
                    mechanisms: "PLAIN AMQPLAIN".into(),
                },
            ),
            (
                of_connection(connection::AMQPMethod::Tune(tune)),
                Heard::Tune { frame_max: 131_072 },
            ),
            (
                written(1, AMQPClass::Channel(channel::AMQPMethod::Close(close))),
                Heard::Closed {
                    code: 404,
                    why: "NOT_FOUND - no exchange".into(),
                },
            ),
            (
                of_basic(basic::AMQPMethod::Return(back)),
                Heard::Returned {
                    code: 312,
                    why: "NO_ROUTE".into(),
                },
            ),
            (of_basic(basic::AMQPMethod::Ack(ack)), Heard::Ack),
            (b"\x08\0\0\0\0\0\0\xce".to_vec(), Heard::Nothing),
        ]
    }

    #[test]
    fn a_frame_is_read_when_it_is_whole_and_what_is_behind_it_stays() {
        for (bytes, heard) in whole() {
            for end in 0..bytes.len() {
                assert_eq!(frame(&bytes[..end], 4096), Ok(None), "{heard:?}");
            }
            let length = bytes.len();
            let followed = [bytes.as_slice(), b"\x01"].concat();
            assert_eq!(frame(&followed, 4096), Ok(Some((heard, length))));
        }
    }

    #[test]
    fn what_is_no_frame_or_longer_than_agreed_is_not_waited_for() {
        for (bytes, broken) in [
            (&b"AMQP\0\0\x09\x01"[..], Broken::NoFrame),
            (b"\x09", Broken::NoFrame),
            (b"\x08\0\0\0\0\0\0\xcd", Broken::NoFrame),
            (b"\x01\0\0\0\0\0\x02\0\x0a\xce", Broken::NoFrame),
            (b"\x01\0\0\xff\xff\xff\xff", Broken::TooLong),
            (b"\x01\0\0\0\0\x0f\xf9", Broken::TooLong),
        ] {
            assert_eq!(frame(bytes, 4096), Err(broken), "{bytes:?}");
        }
        assert_eq!(frame(b"\x01\0\0\0\0\x0f\xf8", 4096), Ok(None));
    }

    #[test]
    fn a_length_that_leads_out_of_a_method_is_not_followed() {
        for (bytes, _) in whole() {
            for at in HEAD + 4..bytes.len() - 1 {
                let mut harmed = bytes.clone();
                harmed[at] = 0xff;
                drop(frame(&harmed, 4096));
            }
        }
        let mut start = whole().remove(0).0;
        start[HEAD + 6] = 0xff;
        assert_eq!(frame(&start, 4096), Err(Broken::NoFrame));
    }

    #[test]
    fn tables_in_each_other_are_not_followed_however_deep_they_go() {
        let deep = 20_000_u32;
        let mut nested = Vec::new();
        for level in (0..deep).rev() {
            nested.push(b'A');
            nested.extend((level * 5).to_be_bytes());
        }
        let table = [&b"\x01x"[..], &nested].concat();
        let length = u32::try_from(table.len()).unwrap().to_be_bytes();
        let content = [
            &b"\0\x0a\0\x0a\0\x09"[..],
            &length,
            &table,
            b"\0\0\0\x05PLAIN\0\0\0\0",
        ]
        .concat();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let all = [&b"\x01\0\0"[..], &length, &content, &[END]].concat();
        let heard = Heard::Start {
            mechanisms: "PLAIN".into(),
        };
        assert_eq!(frame(&all, 128 << 10), Ok(Some((heard, all.len()))));
    }
}
