//! Ports behind which there is something else than a server, or nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use flexway_core::probes::{ProbePlan, Rung, RungOutcome, Symptom};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{assert_fails, climb_as};

fn url(port: u16) -> String {
    format!("postgres://bob:s3cret@127.0.0.1:{port}/d?connect_timeout=1")
}

/// Serves one connection.
fn serve(script: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || script(listener.accept().unwrap().0));
    port
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    let port = crate::child::free_port();
    let seen = assert_fails(&url(port), Rung::Tcp, Symptom::Refused);
    let tcp = seen.rung(Rung::Tcp).unwrap();
    assert_eq!(tcp.faults, ["host/not-listening", "host/firewall"]);
    assert_eq!(tcp.evidence["attempts"][0]["result"], "refused");
}

/// A port at which requests are dropped: a full queue of connections makes the kernel do so.
pub(crate) struct Hole {
    socket: Socket,
    _filled: Vec<Option<TcpStream>>,
}

impl Hole {
    pub(crate) fn dig() -> Hole {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let fill = |_| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        let filled: Vec<_> = (0..4).map(fill).collect();
        assert!(filled.last().unwrap().is_none(), "the queue is full");
        Hole { socket, _filled: filled }
    }

    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().as_socket().unwrap().port()
    }
}

#[test]
fn a_black_hole_is_silent_and_bounded() {
    let hole = Hole::dig();
    let since = Instant::now();
    let seen = assert_fails(&url(hole.port()), Rung::Tcp, Symptom::Silent);
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    assert!(seen.rung(Rung::Tcp).unwrap().detail.contains("within 2 s"));
}

#[test]
fn what_accepts_and_is_no_postgresql_is_told_by_what_it_does() {
    let port = serve(|mut stream| {
        // Silent until the other end gives up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_fails(&url(port), Rung::SslRequest, Symptom::Mute);

    let port = serve(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
    });
    assert_fails(&url(port), Rung::SslRequest, Symptom::Closed);

    let port = serve(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    assert_fails(&url(port), Rung::SslRequest, Symptom::CutOff);

    for (greeting, word) in [
        ("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "a web server"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"),
    ] {
        let port = serve(move |mut stream| {
            stream.write_all(greeting.as_bytes()).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let seen = assert_fails(&url(port), Rung::SslRequest, Symptom::NotPostgres);
        assert!(seen.rung(Rung::SslRequest).unwrap().detail.contains(word));
    }
}

#[test]
fn texts_of_azures_gateways_are_read() {
    let table = [
        (
            "28000",
            "The public network access on this server is disabled. Use the Private Endpoint.",
            Symptom::PublicAccessOff,
        ),
        (
            "28000",
            "Client from Azure Virtual Networks is not allowed to access the server. Check the VNet rules.",
            Symptom::VnetRuleMissing,
        ),
        (
            "28000",
            "Invalid Username specified. The Username should be in <username@hostname> format.",
            Symptom::LoginForm,
        ),
        (
            "28000",
            "SSL connection is required. Specify SSL options and retry.",
            Symptom::GateWantsEncryption,
        ),
        (
            "28000",
            "no pg_hba.conf entry for host \"10.9.8.7\", user \"bob\", database \"d\", SSL on",
            Symptom::GateRefused,
        ),
        ("53300", "sorry, too many clients already", Symptom::TooManyConnections),
        ("57P03", "the database system is starting up", Symptom::Starting),
    ];
    for (code, message, symptom) in table {
        let port = serve(move |mut stream| {
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(b"N").unwrap();
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut startup = vec![0; u32::from_be_bytes(length) as usize - 4];
            stream.read_exact(&mut startup).unwrap();
            let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
            let mut answer = vec![b'E'];
            answer.extend((fields.len() as u32 + 4).to_be_bytes());
            answer.extend(fields.bytes());
            stream.write_all(&answer).unwrap();
        });
        let seen = assert_fails(&url(port), Rung::Startup, symptom);
        assert_eq!(seen.rung(Rung::Startup).unwrap().code.as_deref(), Some(code));
        if symptom == Symptom::GateRefused {
            assert_eq!(seen.seen_as, "10.9.8.7".parse().ok());
        }
    }
}

#[test]
fn the_ladder_ends_where_it_is_asked_to() {
    let port = serve(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let plan = ProbePlan { up_to: Rung::Tcp, ..ProbePlan::of(url(port)) };
    let seen = climb_as(&plan, &url(port));
    let outcomes: Vec<RungOutcome> = seen.rungs.iter().map(|rung| rung.outcome).collect();
    assert_eq!(outcomes[..2], [RungOutcome::Pass; 2]);
    assert_eq!(outcomes[2..], [RungOutcome::NotSeen; 5]);
    assert_eq!(seen.vantage.address, "127.0.0.1".parse().ok());
}
