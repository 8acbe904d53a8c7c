//! What is said to brokers of Kafka, and what they say. Source: Apache Kafka, "Protocol guide" (requests and responses of the versions named here),
//! "Message format" (record batches).
//!
//! Four requests are all that is needed, each in the version that every broker since 0.11 takes, and every one since 4.0 still does.

use std::{collections::BTreeMap, fmt};

/// `Produce`, in version 3.
pub(super) const PRODUCE: (i16, i16) = (0, 3);
/// `Metadata`, in version 4.
pub(super) const METADATA: (i16, i16) = (3, 4);
/// `SaslHandshake`, in version 1.
pub(super) const SASL_HANDSHAKE: (i16, i16) = (17, 1);
/// `SaslAuthenticate`, in version 0.
pub(super) const SASL_AUTHENTICATE: (i16, i16) = (36, 0);

/// That the replicas in sync have it, all of them.
const ALL_IN_SYNC: i16 = -1;

/// Bytes in the order of the protocol.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// The head of a request, whose length is written when it is whole.
    pub(super) fn request((key, version): (i16, i16), number: i32) -> Self {
        let mut writer = Self::default();
        writer
            .i32(0)
            .i16(key)
            .i16(version)
            .i32(number)
            .text("tidings");
        writer
    }

    /// The request with its length.
    pub(super) fn whole(mut self) -> Vec<u8> {
        let length = i32::try_from(self.0.len() - 4).unwrap_or(i32::MAX);
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0
    }

    pub(super) fn i16(&mut self, value: i16) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn i64(&mut self, value: i64) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        self.0.extend(text.as_bytes());
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.0.extend(bytes);
        self
    }

    /// A number in as many bytes as it needs, and small ones in few. Source: Protocol Buffers, "Encoding", ZigZag.
    fn varint(&mut self, value: i64) -> &mut Self {
        let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while left >= 0x80 {
            self.u8(left.to_le_bytes()[0] | 0x80);
            left >>= 7;
        }
        self.u8(left.to_le_bytes()[0])
    }

    fn counted(&mut self, bytes: &[u8]) -> &mut Self {
        self.varint(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.0.extend(bytes);
        self
    }
}

/// What is in one record.
pub(super) struct Content<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) headers: Vec<(&'a str, &'a str)>,
    /// Milliseconds since 1970.
    pub(super) at: i64,
}

/// A batch of one record, in the format that magic 2 stands for.
pub(super) fn batch(record: &Content<'_>) -> Vec<u8> {
    let mut fields = Writer::default();
    fields.u8(0).varint(0).varint(0);
    fields.counted(record.key).counted(record.value);
    fields.varint(i64::try_from(record.headers.len()).unwrap_or_default());
    for (name, value) in &record.headers {
        fields.counted(name.as_bytes()).counted(value.as_bytes());
    }
    let mut checked = Writer::default();
    checked.i16(0).i32(0).i64(record.at).i64(record.at);
    // Nobody who numbers what it sends: what is repeated has its id.
    checked.i64(-1).i16(-1).i32(-1).i32(1);
    checked.counted(&fields.0);
    let mut batch = Writer::default();
    // From the epoch of the leader on.
    let length = 4 + 1 + 4 + checked.0.len();
    batch.i64(0).i32(i32::try_from(length).unwrap_or(i32::MAX));
    batch.i32(0).u8(2);
    batch.i32(crc32c(&checked.0).cast_signed());
    batch.0.extend(checked.0);
    batch.0
}

/// Castagnoli's. Source: RFC 3720, appendix B.4.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: i32| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0x82f6_3b78
        } else {
            crc >> 1
        }
    };
    let of = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(!0, of)
}

/// A request that puts a batch into a partition.
pub(super) fn produce(
    number: i32,
    topic: &str,
    partition: i32,
    batch: &[u8],
    within_ms: i32,
) -> Vec<u8> {
    let mut request = Writer::request(PRODUCE, number);
    // Of no transaction.
    request.i16(-1).i16(ALL_IN_SYNC).i32(within_ms);
    request.i32(1).text(topic);
    request.i32(1).i32(partition).bytes(batch);
    request.whole()
}

/// A request that asks where the partitions of a topic are. None is made.
pub(super) fn metadata(number: i32, topic: &str) -> Vec<u8> {
    let mut request = Writer::request(METADATA, number);
    request.i32(1).text(topic).u8(0);
    request.whole()
}

/// Which partition the records of a key are in. Source: Kafka, `BuiltInPartitioner.partitionForKey`.
pub(super) fn partition(key: &[u8], partitions: usize) -> usize {
    let positive = murmur2(key) & 0x7fff_ffff;
    usize::try_from(positive).unwrap_or_default() % partitions.max(1)
}

/// Source: Kafka, `Utils.murmur2`.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut k = word
            .iter()
            .rev()
            .fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest
            .iter()
            .rev()
            .fold(0, |k, byte| (k << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// An answer that is shorter than it says, or longer than anybody has to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the broker's answer cannot be read")
    }
}

/// An answer that is read from its beginning.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.take(N)?.try_into().map_err(|_| Broken)
    }

    pub(super) fn i16(&mut self) -> Result<i16, Broken> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, Broken> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A text, or none.
    pub(super) fn text(&mut self) -> Result<String, Broken> {
        let length = usize::try_from(self.i16()?).unwrap_or_default();
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let length = usize::try_from(self.i32()?).unwrap_or_default();
        self.take(length)
    }

    /// How many of something follow: each has a byte at least.
    fn count(&mut self) -> Result<usize, Broken> {
        let count = usize::try_from(self.i32()?).unwrap_or_default();
        if count <= self.0.len() {
            Ok(count)
        } else {
            Err(Broken)
        }
    }
}

/// That a partition has no leader. Source: Kafka, `MetadataResponse.NO_LEADER_ID`.
const NOBODY: i32 = -1;
/// Longest name of a host. Source: RFC 1035, section 2.3.4.
const LONGEST_HOST: usize = 255;

/// Where the partitions of a topic are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Topic {
    /// Error code of the topic: 0 for none.
    pub(super) error: i16,
    /// Host and port of each broker, by its number in the cluster.
    brokers: BTreeMap<i32, (String, u16)>,
    /// Who leads each partition, by its number; nobody where there is no such broker.
    leaders: Vec<i32>,
}

impl Topic {
    /// How many partitions it has.
    pub(super) fn partitions(&self) -> usize {
        self.leaders.len()
    }

    /// Host and port of who leads a partition, if anybody does.
    pub(super) fn leader(&self, partition: usize) -> Option<&(String, u16)> {
        self.brokers.get(self.leaders.get(partition)?)
    }
}

/// Reads what was answered to [`metadata`].
pub(super) fn topic(reader: &mut Reader<'_>) -> Result<Topic, Broken> {
    reader.i32()?;
    let mut brokers = BTreeMap::new();
    for _ in 0..reader.count()? {
        let (node, host, port) = (reader.i32()?, reader.text()?, reader.i32()?);
        reader.text()?;
        if host.len() > LONGEST_HOST {
            return Err(Broken);
        }
        let port = u16::try_from(port).map_err(|_| Broken)?;
        brokers.insert(node, (host, port));
    }
    reader.text()?;
    reader.i32()?;
    if reader.count()? != 1 {
        return Err(Broken);
    }
    let error = reader.i16()?;
    reader.text()?;
    reader.take(1)?;
    let count = reader.count()?;
    let mut leaders = vec![NOBODY; count];
    for _ in 0..count {
        let (_, number, leader) = (reader.i16()?, reader.i32()?, reader.i32()?);
        for _ in 0..2 {
            for _ in 0..reader.count()? {
                reader.i32()?;
            }
        }
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| leaders.get_mut(number));
        *place.ok_or(Broken)? = leader;
    }
    brokers.remove(&NOBODY);
    Ok(Topic {
        error,
        brokers,
        leaders,
    })
}

/// Reads what was answered to [`produce`]: the error code, and where the record is.
pub(super) fn produced(reader: &mut Reader<'_>) -> Result<(i16, i32, i64), Broken> {
    if reader.count()? != 1 {
        return Err(Broken);
    }
    reader.text()?;
    if reader.count()? != 1 {
        return Err(Broken);
    }
    let (partition, error) = (reader.i32()?, reader.i16()?);
    Ok((error, partition, i64::from_be_bytes(reader.array()?)))
}

/// Reads what was answered to a proof: the error code, why, and what the broker says to it.
pub(super) fn proved(reader: &mut Reader<'_>) -> Result<(i16, String, String), Broken> {
    let (error, why) = (reader.i16()?, reader.text()?);
    let said = String::from_utf8_lossy(reader.bytes()?).into_owned();
    Ok((error, why, said))
}

/// What an error code is called. Source: Kafka, "Error codes".
pub(super) const fn called(code: i16) -> &'static str {
    match code {
        2 => "CORRUPT_MESSAGE",
        3 => "UNKNOWN_TOPIC_OR_PARTITION",
        5 => "LEADER_NOT_AVAILABLE",
        6 => "NOT_LEADER_OR_FOLLOWER",
        7 => "REQUEST_TIMED_OUT",
        10 => "MESSAGE_TOO_LARGE",
        17 => "INVALID_TOPIC_EXCEPTION",
        18 => "RECORD_LIST_TOO_LARGE",
        19 => "NOT_ENOUGH_REPLICAS",
        20 => "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        29 => "TOPIC_AUTHORIZATION_FAILED",
        31 => "CLUSTER_AUTHORIZATION_FAILED",
        32 => "INVALID_TIMESTAMP",
        33 => "UNSUPPORTED_SASL_MECHANISM",
        34 => "ILLEGAL_SASL_STATE",
        35 => "UNSUPPORTED_VERSION",
        44 => "POLICY_VIOLATION",
        56 => "KAFKA_STORAGE_ERROR",
        58 => "SASL_AUTHENTICATION_FAILED",
        87 => "INVALID_RECORD",
        _ => "see the error codes of Kafka",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As librdkafka sent it, recorded in the tests of the client rskafka (`test_decode_fixture_nocompression`).
    #[test]
    fn a_batch_is_written_as_another_client_writes_it() {
        let written = batch(&Content {
            key: b"",
            value: b"hello kafka",
            headers: vec![("foo", "bar")],
            at: 1_641_388_919,
        });
        let recorded = [
            &b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x4b\x00\x00\x00\x00"[..],
            b"\x02\x27\x24\xfe\xcd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x61",
            b"\xd5\x9b\x77\x00\x00\x00\x00\x61\xd5\x9b\x77\xff\xff\xff\xff\xff",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x01\x32\x00\x00",
            b"\x00\x00\x16\x68\x65\x6c\x6c\x6f\x20\x6b\x61\x66\x6b\x61\x02\x06",
            b"\x66\x6f\x6f\x06\x62\x61\x72",
        ];
        assert_eq!(written, recorded.concat());
    }

    /// Source: Kafka, `UtilsTest.testMurmur2`.
    #[test]
    fn partitions_are_chosen_as_the_java_client_chooses_them() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    /// Source: RFC 3720, appendix B.4.
    #[test]
    fn the_checksum_is_castagnoli_s() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn an_answer_that_breaks_off_or_counts_too_far_is_not_read() {
        let whole = b"\0\0\0\0\0\0\0\x01\0\0\0\x07\0\x01h\0\0\x23\x84\xff\xff\xff\xff\0\0\0\x07\0\0\0\x01\0\0\0\x01t\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x07\0\0\0\x01\0\0\0\x07\0\0\0\x01\0\0\0\x07";
        let read = topic(&mut Reader(whole)).unwrap();
        assert_eq!((read.error, read.partitions()), (0, 1));
        assert_eq!(read.leader(0), Some(&("h".to_owned(), 9092)));
        assert_eq!(read.leader(1), None);
        for end in 0..whole.len() {
            assert_eq!(topic(&mut Reader(&whole[..end])), Err(Broken), "{end}");
        }
        assert_eq!(topic(&mut Reader(b"\0\0\0\0\x7f\xff\xff\xff")), Err(Broken));
        // One name that is led to from everywhere is kept once, and is the name of a host.
        let long = [
            b"\0\0\0\0\0\0\0\x01\0\0\0\x07\x01\0",
            &[b'h'; 256][..],
            &whole[15..],
        ]
        .concat();
        assert_eq!(topic(&mut Reader(&long)), Err(Broken));
    }
}
