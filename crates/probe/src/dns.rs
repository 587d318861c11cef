//! One question to one DNS server: what it answers, by way of which aliases.
//!
//! The system's resolver hides who answered and how; a probe has to show it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use serde_json::{Map, Value, json};

/// Aliases that are followed: Azure's chains have two or three.
const ALIASES_MAX: usize = 16;
/// A question is sent anew when no answer came for so long; datagrams get lost.
const REPEAT_AFTER: Duration = Duration::from_secs(1);
/// The largest answer over UDP that is read; one without EDNS has 512 bytes.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// What one server answers for a name.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) server: SocketAddr,
    /// The name asked for, then its aliases in order.
    pub(crate) names: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
    /// The server's own code, such as `NXDOMAIN`; what hindered it when no answer came.
    pub(crate) code: Result<ResponseCode, io::ErrorKind>,
    /// The shortest time that the answer may be kept, in seconds.
    pub(crate) keep_s: Option<u32>,
    pub(crate) is_authoritative: bool,
    pub(crate) time: Duration,
}

impl Answer {
    /// As evidence.
    pub(crate) fn to_json(&self) -> Value {
        let mut value = Map::new();
        value.insert("server".to_owned(), json!(self.server.to_string()));
        value.insert("answer".to_owned(), json!(self.word()));
        if self.code.is_ok() {
            value.insert("names".to_owned(), json!(self.names));
            value.insert("addresses".to_owned(), json!(self.addresses));
            value.insert("keep_s".to_owned(), json!(self.keep_s));
            value.insert("authoritative".to_owned(), json!(self.is_authoritative));
        }
        value.insert("time_ms".to_owned(), json!(crate::ladder::milliseconds(self.time)));
        Value::Object(value)
    }

    /// The code in DNS's own words, or why there is none.
    pub(crate) fn word(&self) -> String {
        match self.code {
            Ok(ResponseCode::NoError) if self.addresses.is_empty() => "no address".to_owned(),
            Ok(ResponseCode::NoError) => "found".to_owned(),
            Ok(ResponseCode::NXDomain) => "no such name".to_owned(),
            Ok(code) => code.to_string().to_lowercase(),
            Err(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => "silent".to_owned(),
            Err(io::ErrorKind::ConnectionRefused) => "refused".to_owned(),
            Err(kind) => kind.to_string(),
        }
    }
}

/// Asks a server for the IPv4 and IPv6 addresses of a name.
pub(crate) fn ask(server: SocketAddr, name: &str, limit: Duration) -> Answer {
    let started = Instant::now();
    let end = started + limit;
    let mut answer = Answer {
        server,
        names: vec![name.to_owned()],
        addresses: Vec::new(),
        code: Ok(ResponseCode::NoError),
        keep_s: None,
        is_authoritative: false,
        time: Duration::ZERO,
    };
    for kind in [RecordType::A, RecordType::AAAA] {
        match exchange(server, name, kind, end) {
            Ok(message) => take(&mut answer, &message),
            Err(error) => answer.code = Err(error.kind()),
        }
        if answer.code != Ok(ResponseCode::NoError) {
            break;
        }
    }
    answer.time = started.elapsed();
    answer
}

/// Follows the aliases within one message and collects addresses.
fn take(answer: &mut Answer, message: &Message) {
    answer.code = Ok(message.metadata.response_code);
    answer.is_authoritative = message.metadata.authoritative;
    let mut names = vec![plain(answer.names.first().map_or("", String::as_str))];
    for _ in 0..ALIASES_MAX {
        let last = names.last().cloned().unwrap_or_default();
        let alias = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if plain(&record.name.to_ascii()) == last => {
                Some((plain(&alias.0.to_ascii()), record.ttl))
            }
            _ => None,
        });
        let Some((alias, ttl)) = alias else { break };
        keep(answer, ttl);
        names.push(alias);
    }
    let last = names.last().cloned().unwrap_or_default();
    for record in message.answers.iter().filter(|one| plain(&one.name.to_ascii()) == last) {
        let address = match &record.data {
            RData::A(address) => IpAddr::V4(address.0),
            RData::AAAA(address) => IpAddr::V6(address.0),
            _ => continue,
        };
        if !answer.addresses.contains(&address) {
            answer.addresses.push(address);
        }
        keep(answer, record.ttl);
    }
    if names.len() > answer.names.len() {
        answer.names = names;
    }
}

fn keep(answer: &mut Answer, ttl: u32) {
    answer.keep_s = Some(answer.keep_s.map_or(ttl, |known| known.min(ttl)));
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn exchange(server: SocketAddr, name: &str, kind: RecordType, end: Instant) -> io::Result<Message> {
    let wrong = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut name = Name::from_utf8(name).map_err(wrong)?;
    name.set_fqdn(true);
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, kind));
    let bytes = question.to_vec().map_err(wrong)?;
    let answer = by_datagram(server, &bytes, &question, end)?;
    match answer.metadata.truncation {
        true => by_stream(server, &bytes, &question, end),
        false => Ok(answer),
    }
}

fn by_datagram(
    server: SocketAddr,
    bytes: &[u8],
    question: &Message,
    end: Instant,
) -> io::Result<Message> {
    let any = match server.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    loop {
        socket.send(bytes)?;
        let again = (Instant::now() + REPEAT_AFTER).min(end);
        while let Some(left) = left(again) {
            socket.set_read_timeout(Some(left))?;
            match socket.recv(&mut buffer) {
                // What does not answer our question is not for us.
                Ok(count) => match Message::from_vec(&buffer[..count]) {
                    Ok(answer) if fits(question, &answer) => return Ok(answer),
                    Ok(_) | Err(_) => {}
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        left(end).ok_or(io::ErrorKind::TimedOut)?;
    }
}

fn by_stream(
    server: SocketAddr,
    bytes: &[u8],
    question: &Message,
    end: Instant,
) -> io::Result<Message> {
    let limit = left(end).ok_or(io::ErrorKind::TimedOut)?;
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_write_timeout(Some(limit))?;
    let length = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat())?;
    let mut length = [0; 2];
    fill(&mut stream, &mut length, end)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(&mut stream, &mut answer, end)?;
    match Message::from_vec(&answer) {
        Ok(answer) if fits(question, &answer) => Ok(answer),
        Ok(_) | Err(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reads until the buffer is full; drops that trickle end as late as silence does.
fn fill(stream: &mut TcpStream, mut buffer: &mut [u8], end: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        stream.set_read_timeout(Some(left(end).ok_or(io::ErrorKind::TimedOut)?))?;
        match stream.read(buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => buffer = &mut buffer[count..],
        }
    }
    Ok(())
}

fn fits(question: &Message, answer: &Message) -> bool {
    answer.metadata.id == question.metadata.id && answer.queries == question.queries
}

fn left(end: Instant) -> Option<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}
